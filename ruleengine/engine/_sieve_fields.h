/* Keys, and what rules ask of the values of each. Python says it once for a key (native.py), and for each rare value:
   one that is no ASCII, a fraction, a list, or a text that writes a number in another way than numbers are. */

static Key *key(Sieve *s, Text at, size_t length) {  /* NULL: an exception, or there are too many (`full`) */
    Key *key = found(&s->keys, at, length);
    if (key || length > s->longest_key || (s->full |= s->keys.used >= s->most_keys)) return key;
    void *name = kept(s, at, length);
    if (!name || !(key = kept(s, NULL, sizeof(Key)))) return NULL;
    key->name = PyList_GET_ITEM(s->kept, PyList_GET_SIZE(s->kept) - 2);
    key->number = (uint32_t)s->keys.used;
    return put(s, &s->keys, name, length, key) ? NULL : key;
}

static int table(Sieve *s, Map *map, PyObject *texts) {  /* from a dict that lasts */
    PyObject *text, *terms;
    for (Py_ssize_t place = 0; PyDict_Next(texts, &place, &text, &terms);)
        if (!PyBytes_Check(text) || !are_below(terms, s->terms)) return refuse("the table of a field");
        else if (put(s, map, (Text)PyBytes_AS_STRING(text), (size_t)PyBytes_GET_SIZE(text), terms)) return FAILED;
    return FINE;
}

static int learn(Sieve *s, Key *key) {
    PyObject *answer = told(s, PyObject_CallOneArg(s->ask_key, key->name)), *others, *values, *tails;
    unsigned int flags;
    int numbers;
    if (!answer || !PyArg_ParseTuple(answer, "ISpO!O!", &flags, &others, &numbers, &PyDict_Type, &values, &PyDict_Type, &tails))
        return FAILED;
    if (PyBytes_GET_SIZE(others)) {  /* else nothing is asked */
        Field *field = kept(s, NULL, sizeof(Field));
        if (!field || table(s, &field->values, values) || table(s, &field->tails, tails)) return FAILED;
        if (!is_mask(s, others)) return refuse("the mask of a field");
        field->others = (const uint64_t *)PyBytes_AS_STRING(others);
        field->numbers = numbers;
        key->field = field;
    }
    key->flags = flags;
    key->learned = 1;
    return FINE;
}

static const PyObject *rare(Sieve *s, const Token *token) {  /* NULL: an exception, or the line is odd */
    int quoted = token->kind <= ESCAPED || token->kind == FOREIGN;
    Text at = token->at - quoted;
    size_t length = token->length + 2 * (size_t)quoted;
    const PyObject *known = found(&token->key->field->rare, at, length);
    if (known || length > LONGEST || (s->full |= s->rare >= MOST_RARE)) return known;
    void *last = kept(s, at, length);
    PyObject *terms = last ? told(s, PyObject_CallFunction(s->ask_value, "Oy#", token->key->name, at, (Py_ssize_t)length)) : NULL;
    if (terms && !are_below(terms, s->terms)) return refuse("the answer about a value"), NULL;
    s->rare++;
    return terms && !put(s, &token->key->field->rare, last, length, terms) ? terms : NULL;
}

static void within(uint64_t *restrict mask, const uint64_t *restrict others, const uint64_t *restrict extra, size_t words) {
    for (size_t i = 0; i < words; i++) mask[i] &= others[i] | extra[i];
}

static int sift(Sieve *s, uint64_t *mask, const Token *token) {  /* take away the terms that a value excludes */
    const Field *field = token->key->field;
    const PyObject *terms[2] = {NULL, NULL};
    size_t length, last;
    int whole, is_rare = token->kind >= FOREIGN || (token->kind == NESTED && *token->at == '[');
    if (token->kind < NOTHING) {
        Text folded = text(s, token, 0, &length);
        is_rare = field->numbers && token->kind != WORD && is_decimal(folded, length, &whole) && !whole;
        terms[0] = found(&field->values, folded, length);
        for (last = field->tails.used ? length : 0; last && folded[last - 1] != '\\' && folded[last - 1] != '/';) last--;
        if (last) terms[1] = found(&field->tails, folded + last - 1, length - last + 1);
    }
    if (is_rare && !(terms[0] = rare(s, token))) return PyErr_Occurred() ? FAILED : ODD;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < 2; i++) {
            const uint32_t *bits = terms[i] ? (const uint32_t *)PyBytes_AS_STRING(terms[i]) : NULL;
            for (Py_ssize_t left = terms[i] ? PyBytes_GET_SIZE(terms[i]) / 4 : 0; left--; bits++)
                s->extra[*bits / 64] = pass ? 0 : s->extra[*bits / 64] | 1ull << *bits % 64;
        }
        if (!pass) within(mask, field->others, s->extra, s->words);
    }
    return FINE;
}
