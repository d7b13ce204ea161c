/* Reads JSON (RFC 8259) without making anything of it. Every reader takes the place where something begins, and returns
   the place behind it, or NULL when it is odd: broken, or written in a way that is left to Python. A block ends with a
   NUL and a line with a newline or that NUL; neither is part of any JSON, so a reader never gets past them. */

static unsigned char usual[256], lower[256], unescaped[256];

static void fill_tables(void) {
    static const char escapes[] = "\"\"\\\\b\bf\fn\nr\rt\t";  /* but not \/ and \u: literals would not find them */
    for (int c = 0; c < 256; c++) {
        usual[c] = c >= ' ' && c < 0x80 && c != '"' && c != '\\';
        lower[c] = (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    for (int i = 0; escapes[i]; i += 2) unescaped[(unsigned char)escapes[i]] = (unsigned char)escapes[i + 1];
}

static Text blank(Text p) {
    while (*p == ' ' || *p == '\t' || *p == '\r') p++;
    return p;
}

static int is_digit(unsigned char c) { return c >= '0' && c <= '9'; }

static int utf8(Text p, Text end) {  /* bytes of the character (RFC 3629), 0 if it is none */
    int length = *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;
    if (*p < 0xc2 || *p > 0xf4 || end - p < length) return 0;
    if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f)) return 0;
    if ((*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f)) return 0;
    for (int i = 1; i < length; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    return length;
}

static Text string(Text p, Text end, uint32_t *kind) {  /* from behind the quote */
    const uint64_t ones = 0x0101010101010101u;
    int length;
    *kind = PLAIN;
    for (;; p++) {
        for (uint64_t word; end - p >= 8; p += 8) {  /* eight usual characters: none is, or is less than, what is taken off */
            memcpy(&word, p, 8);
            uint64_t quote = word ^ ones * '"', slash = word ^ ones * '\\';
            if (((quote - ones) | (slash - ones) | (word - ones * ' ') | word) & ones * 0x80) break;
        }
        while (usual[*p]) p++;
        if (*p == '"') return p + 1;
        if (*p == '\\' && unescaped[p[1]]) {
            p++;
            if (*kind == PLAIN) *kind = ESCAPED;
        } else if (*p >= 0x80 && (length = utf8(p, end))) {
            p += length - 1;
            *kind = FOREIGN;
        } else {
            return NULL;
        }
    }
}

static Text number(Text p, uint32_t *kind) {
    Text begin = p;
    p += *p == '-';
    *kind = begin < p && *p == '0' ? FRACTION : INTEGER;  /* -0 is not what it says */
    if (!is_digit(*p)) return NULL;
    if (*p++ != '0') while (is_digit(*p)) p++;
    if (*p == '.') {
        *kind = FRACTION;
        if (!is_digit(*++p)) return NULL;
        while (is_digit(*p)) p++;
    }
    return *p == 'e' || *p == 'E' || p - begin > 18 ? NULL : p;
}

static Text value(Text p, Text end, uint32_t *kind, int depth) {
    static const struct { const char *text; uint32_t length, kind; } words[] = {
        {"true", 4, WORD}, {"false", 5, WORD}, {"null", 4, NOTHING}};
    uint32_t within;
    if (*p == '"') return string(p + 1, end, kind);
    if (*p == '-' || is_digit(*p)) return number(p, kind);
    for (int i = 0; i < 3; i++)
        if (!strncmp((const char *)p, words[i].text, words[i].length)) {
            *kind = words[i].kind;
            return p + words[i].length;
        }
    if ((*p != '{' && *p != '[') || depth == DEEPEST) return NULL;
    unsigned char close = *p == '{' ? '}' : ']';
    *kind = NESTED;
    p = blank(p + 1);
    if (*p == close) return p + 1;
    for (;; p = blank(p + 1)) {
        if (close == '}') {
            if (*p != '"' || !(p = string(p + 1, end, &within)) || *(p = blank(p)) != ':') return NULL;
            p = blank(p + 1);
        }
        if (!(p = value(p, end, &within, depth + 1))) return NULL;
        p = blank(p);
        if (*p == close) return p + 1;
        if (*p != ',') return NULL;
    }
}

static int is_decimal(Text p, size_t length, int *whole) {  /* `whole`: it is written as integers are */
    Text end = p + length, begin = p += length && *p == '-';
    while (p < end && is_digit(*p)) p++;
    *whole = p == end && p > begin && (*begin != '0' || length == 1);
    if (p == begin || p == end) return p > begin;
    Text point = p++;
    while (p < end && is_digit(*p)) p++;
    return *point == '.' && p == end && p > point + 1;
}

/* Return the text of a value, folded or as it is, in `fold`, which has room for the texts of a line and one more. */
static Text text(Sieve *s, const Token *token, int cased, size_t *length) {
    Text p = token->at, end = p + token->length;
    unsigned char *begin = (unsigned char *)s->fold.at + s->folded, *out = begin;
    *length = token->length;
    if (cased && token->kind != ESCAPED) return p;
    if (token->kind != ESCAPED)
        for (; p < end; p++) *out++ = (unsigned char)(*p + ((unsigned char)(*p - 'A') < 26 ? 32 : 0));
    else
        for (; p < end; p++) {
            unsigned char c = *p == '\\' ? unescaped[*++p] : *p;
            *out++ = cased ? c : lower[c];
        }
    *length = (size_t)(out - begin);
    return begin;
}
