/* Asks a rule about a line: reads its program (see programs.py) and answers TRUE, FALSE, or UNKNOWN. */

typedef struct { uint8_t what, cased; uint32_t field, size; } Node;  /* then come nodes or texts; all that is `size` */

static const uint32_t ANYWHERE = 0xffffffff;

static size_t filled(uint32_t size) { return 4 + ((size_t)size + 3) / 4 * 4; }  /* a text with its size */

/* Whether there is one whole node, of so many bytes at most, that only numbers fields which are there. */
static int sound(Text at, size_t room, size_t fields, int depth) {
    const Node *node = (const Node *)at;
    uint32_t size;
    if (room < sizeof(Node) || node->size < sizeof(Node) || node->size > room || node->size % 4 || depth == DEEPEST_PROGRAM) return 0;
    Text p = at + sizeof(Node), end = at + node->size;
    if (node->what == '?') return p == end;
    if (strchr("!&|", node->what)) {
        if (!node->what || (node->what == '!' && p == end)) return 0;
        for (; p < end; p += ((const Node *)p)->size)
            if (!sound(p, (size_t)(end - p), fields, depth + 1) || (node->what == '!' && p != at + sizeof(Node))) return 0;
        return 1;
    }
    if (!strchr("wseinx", node->what) || (node->field != ANYWHERE && node->field >= fields)) return 0;
    for (; end - p >= 4; p += filled(size)) {
        memcpy(&size, p, 4);
        if (filled(size) > (size_t)(end - p)) return 0;
    }
    return p == end;
}

static int among(const Node *node, Text given, size_t length) {  /* whether it is, or holds, one of the texts of a node */
    uint32_t size;
    for (Text p = (Text)(node + 1), end = (Text)node + node->size; p < end; p += filled(size)) {
        memcpy(&size, p, 4);
        if (size > length) continue;
        switch (node->what) {
        case 'i': if (memmem(given, length, p + 4, size)) return TRUE; break;
        case 's': if (!memcmp(given, p + 4, size)) return TRUE; break;
        case 'e': if (!memcmp(given + length - size, p + 4, size)) return TRUE; break;
        default: if (size == length && !memcmp(given, p + 4, size)) return TRUE;
        }
    }
    return FALSE;
}

static int leaf(Sieve *s, const Node *node, Token *token) {
    size_t length;
    int whole;
    if (token->kind == NOTHING) return FALSE;
    if (token->kind >= NESTED) return UNKNOWN;
    if (node->what == 'x') return TRUE;
    if (node->cased) {
        Text given = text(s, token, 1, &length);
        return among(node, given, length);
    }
    if (!token->folded) {
        token->folded = text(s, token, 0, &length);
        s->folded += token->folded_length = (uint32_t)length;
    }
    if (among(node, token->folded, token->folded_length)) return TRUE;
    if (node->what != 'n' || token->kind == WORD) return FALSE;
    return is_decimal(token->folded, token->folded_length, &whole) && !whole ? UNKNOWN : FALSE;
}

static int holds(Sieve *s, const Node *node, Key **keys, const Line *line) {
    Token *token = (Token *)s->token.at + line->first;
    Text end = (Text)node + node->size;
    int answer = node->what == '&', decides = !answer, one;
    switch (node->what) {
    case '?':
        return UNKNOWN;
    case '!':
        one = holds(s, node + 1, keys, line);
        return one == UNKNOWN ? UNKNOWN : !one;
    case '&': case '|':
        for (const Node *child = node + 1; (Text)child < end; child = (const Node *)((Text)child + child->size)) {
            if ((one = holds(s, child, keys, line)) == decides) return decides;
            if (one == UNKNOWN) answer = UNKNOWN;
        }
        return answer;
    }
    if (node->field != ANYWHERE) {
        uint32_t place = keys[node->field]->token;  /* from 1 on */
        return place ? leaf(s, node, &token[place - 1]) : FALSE;
    }
    for (size_t i = 0; i < line->count; i++) {
        if (token[i].key->flags & HIDDEN) continue;
        if ((one = leaf(s, node, &token[i])) == TRUE) return TRUE;
        if (one == UNKNOWN) answer = UNKNOWN;
    }
    return answer;
}
