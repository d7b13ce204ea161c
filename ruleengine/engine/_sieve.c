/* The sieve: reads plain lines of JSON without making objects of them, and says which rules are left to be asked.

   It does what steps.py, plans.py, fields.py and, for what most rules say, verify.py do. A line that is out of the
   ordinary (broken, with rare escapes, with too much in it) is odd: they do it. It is never needed: native.py uses it
   where it was built, and the same tests hold with it and without it.

   Whatever lasts is an object in `kept`, so that nothing has to be freed by itself. Lines, keys, rules and terms are
   numbered from 0. A mask is `words` of 64 bits, one bit for each term. */

#include "_sieve_base.h"
#include "_sieve_json.h"
#include "_sieve_fields.h"
#include "_sieve_rules.h"

/* --- lines ------------------------------------------------------------------------------------------------------------ */

static int tokens(Sieve *s, Line *line, size_t *used) {
    Key **next = &s->next;  /* most often the key that came here last time comes again */
    Text p = blank(line->start), end = line->end;
    uint32_t kind;
    line->first = *used;
    if (*p++ != '{') return ODD;
    p = blank(p);
    for (int more = *p != '}'; more; p = more ? blank(p + 1) : p) {
        Key *known = *next;
        Text behind, name = p + 1;
        size_t length = known ? (size_t)PyBytes_GET_SIZE(known->name) : 0;
        if (*p++ != '"') return ODD;
        if (known && (size_t)(end - p) > length && p[length] == '"' && !memcmp(p, PyBytes_AS_STRING(known->name), length)) {
            p += length + 1;
        } else {
            if (!(p = string(p, end, &kind)) || kind != PLAIN) return ODD;
            known = key(s, name, (size_t)(p - name - 1));
            if (!known || (!known->learned && learn(s, known))) return PyErr_Occurred() ? FAILED : ODD;
            *next = known;
        }
        next = &known->next;
        if (*(p = blank(p)) != ':') return ODD;
        p = blank(p + 1);
        if (!(behind = value(p, end, &kind, 0))) return ODD;
        Token *token = grown(&s->token, (*used + 1) * sizeof(Token));
        if (!token) return FAILED;
        int quoted = *p == '"';
        token[(*used)++] = (Token){known, p + quoted, NULL, (uint32_t)(behind - p - 2 * quoted), kind, 0};
        p = blank(behind);
        more = *p == ',';
        if ((!more && *p != '}') || *used - line->first > WIDEST) return ODD;
    }
    line->count = *used - line->first;
    return blank(p + 1) == end ? FINE : ODD;
}

/* Fill the mask with the terms that can hold in an event of these keys and this log source. */
static int plan(Sieve *s, const Line *line, uint64_t *mask) {
    const Token *token = (Token *)s->token.at + line->first;
    size_t size = 0;
    for (size_t i = 0; i < line->count; i++) size += 8 + (token[i].key->flags & DECIDES ? token[i].length : 0);
    char *name = grown(&s->fold, size + 8), *out = name;
    if (!name) return FAILED;
    if (size > LARGEST_PLAN) return ODD;
    for (size_t i = 0; i < line->count; i++) {
        int decides = token[i].key->flags & DECIDES;
        if (decides && (token[i].length > LONGEST || token[i].kind == NESTED)) return ODD;
        uint32_t head[2] = {token[i].key->number, decides ? token[i].length * 8 + token[i].kind : 0};
        out = (char *)memcpy(out, head, 8) + 8;
        if (decides) out = (char *)memcpy(out, token[i].at, token[i].length) + token[i].length;
    }
    PyObject *known = found(&s->plans, (Text)name, size);
    if (!known) {
        if ((s->full |= s->plans.used >= MOST_PLANS)) return ODD;
        void *last = kept(s, name, size);
        Py_ssize_t length = line->end - line->start, count = (Py_ssize_t)line->count;
        known = last ? told(s, PyObject_CallFunction(s->ask_plan, "y#n", line->start, length, count)) : NULL;
        if (known && known != Py_None && !is_mask(s, known)) return refuse("the answer about a line");
        if (!known || put(s, &s->plans, last, size, known)) return FAILED;
    }
    if (known == Py_None) return ODD;
    memcpy(mask, PyBytes_AS_STRING(known), s->words * 8);
    return FINE;
}

static int read_line(Sieve *s, Line *line, uint64_t *mask, size_t *used) {
    int state = tokens(s, line, used);
    if (!state) state = plan(s, line, mask);
    const Token *token = (Token *)s->token.at + line->first;
    s->folded = 0;
    for (size_t i = 0; !state && i < line->count; i++)
        if (token[i].key->field) state = sift(s, mask, &token[i]);
    return state;
}

static int read_block(Sieve *s, Text p, Text end, size_t *plain) {
    size_t used = 0;
    for (; p < end && s->lines < MOST_LINES; p++) {
        Text behind = memchr(p, '\n', (size_t)(end - p));
        Line *line = grown(&s->line, (s->lines + 1) * sizeof(Line));
        uint64_t *mask = grown(&s->mask, (s->lines + 1) * s->words * 8);
        if (!behind) behind = end;
        if (!line || !mask) return FAILED;
        line += s->lines;
        *line = (Line){p, behind, 0, 0, ODD};
        if (behind - p <= LONGEST_LINE) {
            if (!grown(&s->fold, 2 * (size_t)(behind - p) + 8)) return FAILED;
            line->odd = read_line(s, line, mask + s->lines * s->words, &used);
            if (line->odd == FAILED) return FAILED;
        }
        *plain += line->odd == FINE;
        s->lines++;
        p = behind;
    }
    if (!grown(&s->hit, s->lines * s->words * 8)) return FAILED;
    memset(s->hit.at, 0, s->lines * s->words * 8);
    return FINE;
}

static PyObject *sieve_read(Sieve *s, PyObject *args) {
    PyObject *data;
    size_t start, plain = 0;
    if (!PyArg_ParseTuple(args, "Sn", &data, &start)) return NULL;
    if (!s->ready || s->busy) return PyErr_Format(PyExc_RuntimeError, "the sieve is %s", s->busy ? "in use" : "not made");
    if (start > (size_t)PyBytes_GET_SIZE(data)) return PyErr_Format(PyExc_ValueError, "the block is shorter");
    Text begin = (Text)PyBytes_AS_STRING(data), end = begin + PyBytes_GET_SIZE(data);
    Py_INCREF(data);
    Py_XSETREF(s->data, data);
    s->before = start ? s->before + s->lines : 0;
    s->lines = s->scanned = 0;
    s->busy = 1;  /* Python is asked on the way */
    int failed = read_block(s, begin + start, end, &plain);
    s->busy = 0;
    if (failed) return s->lines = 0, NULL;
    Text stopped = s->lines ? ((Line *)s->line.at)[s->lines - 1].end + 1 : end;
    return Py_BuildValue("nn", (Py_ssize_t)((stopped < end ? stopped : end) - begin), (Py_ssize_t)plain);
}

/* --- literals --------------------------------------------------------------------------------------------------------- */

static PyObject *sieve_wanting(Sieve *s, PyObject *number) {
    size_t size = 0, which = PyLong_AsSize_t(number);
    const Line *line = (Line *)s->line.at;
    const uint64_t *mask = (uint64_t *)s->mask.at;
    Span *span = grown(&s->span, s->lines * sizeof(Span));
    s->scanned = s->at = 0;
    s->quote_from = s->quote = NULL;
    if (PyErr_Occurred() || !span) return NULL;
    if (which >= s->automata || s->busy) return PyErr_Format(PyExc_ValueError, "there is no such automaton");
    s->current = &s->automaton[which];
    for (size_t i = 0; i < s->lines; i++, mask += s->words) {
        uint64_t any = 0;
        for (size_t k = 0; line[i].odd == FINE && k < s->words; k++) any |= mask[k] & s->current->every[k];
        if (!any) continue;
        size += (size_t)(line[i].end - line[i].start) + 1;
        span[s->scanned++] = (Span){size, i};
    }
    if (!s->scanned) Py_RETURN_NONE;
    PyObject *joined = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
    char *out = joined ? PyBytes_AS_STRING(joined) : NULL;
    for (size_t i = 0; joined && i < s->scanned; i++) {
        const Line *one = &line[span[i].line];
        out = (char *)memcpy(out, one->start, (size_t)(one->end - one->start)) + (one->end - one->start);
        *out++ = '\n';
    }
    return joined;
}

static PyObject *sieve_hit(Sieve *s, PyObject *const *given, Py_ssize_t count) {  /* what Hyperscan tells */
    const Span *span = (Span *)s->span.at;
    const Automaton *from = s->current;
    if (count < 3 || !s->scanned) return PyErr_Format(PyExc_ValueError, "no hit is expected");
    size_t number = PyLong_AsSize_t(given[0]), end = PyLong_AsSize_t(given[2]);
    if (PyErr_Occurred() || number >= from->count || end >= span[s->scanned - 1].end)
        return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_ValueError, "no hit is expected there");
    while (s->at && end < span[s->at - 1].end) s->at--;
    while (end >= span[s->at].end) s->at++;
    size_t place = span[s->at].line, rest = span[s->at].end - 1 - end;
    if (!from->values_only[number]) {  /* a key is no value: behind it are a quote and a colon */
        Text here = ((Line *)s->line.at)[place].end - rest;
        if (!s->quote_from || here < s->quote_from || here > s->quote) {
            Text quote = memchr(here, '"', rest);
            s->quote_from = here;
            s->quote = quote ? quote : here + rest;
        }
        if (*s->quote == '"' && s->quote[1] == ':' && s->quote[-1] != '\\') Py_RETURN_NONE;
    }
    const uint64_t *mask = (uint64_t *)s->mask.at + place * s->words;
    uint64_t *hit = (uint64_t *)s->hit.at + place * s->words;
    for (uint32_t i = from->begins[number]; i < from->begins[number + 1]; i++)
        hit[from->terms[i] / 64] |= mask[from->terms[i] / 64] & 1ull << from->terms[i] % 64;
    Py_RETURN_NONE;
}

/* --- what is left ------------------------------------------------------------------------------------------------------ */

static int by_number(const void *one, const void *other) {
    uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;
    return (a > b) - (a < b);
}

static PyObject *numbers(uint32_t *from, size_t count) {
    qsort(from, count, sizeof *from, by_number);
    PyObject *made = PyTuple_New((Py_ssize_t)count);
    for (size_t i = 0; made && i < count; i++) {
        PyObject *number = PyLong_FromUnsignedLong(from[i]);
        if (!number) Py_CLEAR(made);
        else PyTuple_SET_ITEM(made, (Py_ssize_t)i, number);
    }
    return made;
}

/* Ask the rules of the terms that are left of a line: those that hold, and those that are to be asked. */
static int ask(Sieve *s, const Line *line, uint32_t *sure, size_t *sures, uint32_t *open, size_t *opens) {
    size_t place = (size_t)(line - (Line *)s->line.at);
    Token *token = (Token *)s->token.at + line->first;
    const uint64_t *mask = (uint64_t *)s->mask.at + place * s->words, *hit = (uint64_t *)s->hit.at + place * s->words;
    int begun = 0;
    s->turn++;
    s->folded = 0;
    for (size_t k = 0; k < s->words; k++)
        for (uint64_t bits = mask[k] & (s->free[k] | hit[k]); bits; bits &= bits - 1) {
            uint32_t rule = s->owner[k * 64 + (size_t)__builtin_ctzll(bits)];
            if (s->asked[rule] == s->turn) continue;
            s->asked[rule] = s->turn;
            if (!begun++) {
                if (!grown(&s->fold, 2 * (size_t)(line->end - line->start) + 8)) return FAILED;
                for (size_t i = 0; i < line->count; i++) {
                    token[i].key->token = (uint32_t)i + 1;
                    token[i].folded = NULL;
                }
            }
            int answer = holds(s, (const Node *)s->programs[rule].code, s->programs[rule].keys, line);
            if (answer == TRUE) sure[(*sures)++] = rule;
            if (answer == UNKNOWN) open[(*opens)++] = rule;
        }
    for (size_t i = 0; begun && i < line->count; i++) token[i].key->token = 0;
    return FINE;
}

static PyObject *sieve_left(Sieve *s, PyObject *Py_UNUSED(none)) {
    uint32_t *sure = grown(&s->rule, 2 * s->rules * sizeof(uint32_t)), *open = sure ? sure + s->rules : NULL;
    PyObject *out = sure ? PyList_New(0) : NULL, *row = NULL;
    for (size_t i = 0; out && !s->busy && i < s->lines; i++) {
        const Line *line = (Line *)s->line.at + i;
        size_t sures = 0, opens = 0;
        Text begin = (Text)PyBytes_AS_STRING(s->data);
        Py_ssize_t number = (Py_ssize_t)(s->before + i), start = line->start - begin;
        while (line->odd && i + 1 < s->lines && line[1].odd) line++, i++;  /* odd lines are one row */
        Py_ssize_t end = line->end - begin;
        if (line->odd) row = Py_BuildValue("nnnO()", number, start, end, Py_None);
        else if (ask(s, line, sure, &sures, open, &opens)) Py_CLEAR(out);
        else if (!sures && !opens) continue;
        else row = Py_BuildValue("nnnNN", number, start, end, numbers(sure, sures), numbers(open, opens));
        if (out && (!row || PyList_Append(out, row))) Py_CLEAR(out);
        Py_CLEAR(row);
    }
    return out;
}

/* --- the object -------------------------------------------------------------------------------------------------------- */

static int take_programs(Sieve *s, PyObject *programs) {
    PyObject *code, *fields;
    for (size_t i = 0; i < s->rules; i++) {
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(programs, (Py_ssize_t)i), "SO!", &code, &PyTuple_Type, &fields)) return FAILED;
        size_t count = (size_t)PyTuple_GET_SIZE(fields);
        Program *to = &s->programs[i];
        *to = (Program){(Text)PyBytes_AS_STRING(code), kept(s, NULL, count * sizeof(Key *))};
        if (!to->keys) return FAILED;
        if (!sound(to->code, (size_t)PyBytes_GET_SIZE(code), count, 0)) return refuse("a program");
        for (size_t k = 0; k < count; k++) {
            PyObject *name = PyTuple_GET_ITEM(fields, (Py_ssize_t)k);
            if (!PyBytes_Check(name)) return refuse("the name of a field");
            to->keys[k] = key(s, (Text)PyBytes_AS_STRING(name), (size_t)PyBytes_GET_SIZE(name));
            if (!to->keys[k]) return FAILED;
        }
    }
    return FINE;
}

static int take_automata(Sieve *s, PyObject *automata) {
    PyObject *begins, *terms, *values_only, *every;
    for (size_t i = 0; i < s->automata; i++) {
        Automaton *to = &s->automaton[i];
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(automata, (Py_ssize_t)i), "SSSS", &begins, &terms, &values_only, &every)) return FAILED;
        to->begins = (const uint32_t *)PyBytes_AS_STRING(begins);
        to->terms = (const uint32_t *)PyBytes_AS_STRING(terms);
        to->values_only = PyBytes_AS_STRING(values_only);
        to->every = (const uint64_t *)PyBytes_AS_STRING(every);
        to->count = (size_t)PyBytes_GET_SIZE(values_only);
        int fits = is_mask(s, every) && are_below(terms, s->terms) && (size_t)PyBytes_GET_SIZE(begins) == 4 * (to->count + 1)
            && are_below(begins, (size_t)PyBytes_GET_SIZE(terms) / 4 + 1);
        if (!fits) return refuse("the terms of an automaton");
    }
    return FINE;
}

static int sieve_init(Sieve *s, PyObject *args, PyObject *Py_UNUSED(named)) {
    PyObject *owner, *free, *automata, *programs;
    if (s->kept) return PyErr_SetString(PyExc_TypeError, "a sieve is made once"), FAILED;
    if (!PyArg_ParseTuple(args, "SSO!O!OOO", &owner, &free, &PyTuple_Type, &automata, &PyTuple_Type, &programs, &s->ask_key,
                          &s->ask_plan, &s->ask_value) || !(s->kept = Py_BuildValue("[O]", args)))
        return FAILED;
    s->owner = (const uint32_t *)PyBytes_AS_STRING(owner);
    s->free = (const uint64_t *)PyBytes_AS_STRING(free);
    s->words = (size_t)PyBytes_GET_SIZE(free) / 8;
    s->terms = s->words * 64;
    s->rules = (size_t)PyTuple_GET_SIZE(programs);
    s->automata = (size_t)PyTuple_GET_SIZE(automata);
    if (!is_mask(s, free) || (size_t)PyBytes_GET_SIZE(owner) != 4 * s->terms || !are_below(owner, s->rules))
        return refuse("the owners of terms");
    s->extra = kept(s, NULL, s->words * 8);
    s->asked = kept(s, NULL, s->rules * sizeof(uint64_t));
    s->programs = kept(s, NULL, s->rules * sizeof(Program));
    s->automaton = kept(s, NULL, s->automata * sizeof(Automaton));
    s->most_keys = s->longest_key = SIZE_MAX;
    if (!s->extra || !s->asked || !s->programs || !s->automaton) return FAILED;
    if (take_programs(s, programs) || take_automata(s, automata)) return FAILED;
    s->most_keys = s->keys.used + MOST_KEYS;
    s->longest_key = LONGEST;
    s->ready = 1;
    return 0;
}

static void sieve_dealloc(Sieve *s) {
    Buffer *buffers[] = {&s->line, &s->token, &s->mask, &s->hit, &s->span, &s->fold, &s->rule};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) PyMem_Free(buffers[i]->at);
    Py_XDECREF(s->kept);
    Py_XDECREF(s->data);
    Py_TYPE(s)->tp_free((PyObject *)s);
}

static PyMethodDef methods[] = {
    {"read", (PyCFunction)sieve_read, METH_VARARGS, "read(block, start) -> where it stopped, and how many lines are not odd"},
    {"wanting", (PyCFunction)sieve_wanting, METH_O, "wanting(automaton) -> the lines it is to look through, or None"},
    {"hit", (PyCFunction)(void (*)(void))sieve_hit, METH_FASTCALL, "hit(literal, start, end, ...): the automaton found it"},
    {"left", (PyCFunction)sieve_left, METH_NOARGS, "left() -> [(line, start, end, rules that match or None, rules to ask)]"},
    {NULL, NULL, 0, NULL}};

static PyMemberDef members[] = {
    {"full", T_INT, offsetof(Sieve, full), READONLY, "whether it cannot learn more"},
    {"lines", T_PYSSIZET, offsetof(Sieve, lines), READONLY, "how many lines were read last"},
    {NULL, 0, 0, 0, NULL}};

static PyTypeObject type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "ruleengine.engine._sieve.Sieve",
    .tp_doc = "Sieve(owners, free, automata, programs, ask_key, ask_plan, ask_value): native.py makes and uses it",
    .tp_basicsize = sizeof(Sieve),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = PyType_GenericNew,
    .tp_init = (initproc)sieve_init,
    .tp_dealloc = (destructor)sieve_dealloc,
    .tp_methods = methods,
    .tp_members = members};

static PyObject *is_program(PyObject *Py_UNUSED(module), PyObject *args) {
    PyObject *code;
    Py_ssize_t fields;
    if (!PyArg_ParseTuple(args, "Sn", &code, &fields)) return NULL;
    return PyBool_FromLong(fields >= 0 && sound((Text)PyBytes_AS_STRING(code), (size_t)PyBytes_GET_SIZE(code), (size_t)fields, 0));
}

static PyMethodDef functions[] = {
    {"is_program", is_program, METH_VARARGS, "is_program(bytes, fields) -> whether a sieve takes this program of so many fields"},
    {NULL, NULL, 0, NULL}};

static PyModuleDef module = {PyModuleDef_HEAD_INIT, .m_name = "_sieve", .m_size = -1, .m_methods = functions};

PyMODINIT_FUNC PyInit__sieve(void) {
    PyObject *made = PyModule_Create(&module), *name = made ? PyUnicode_FromString("sieve") : NULL;
    if (name) seed = (uint64_t)PyObject_Hash(name);  /* nobody can know which texts have one hash */
    Py_XDECREF(name);
    fill_tables();
    if (made && (PyModule_AddType(made, &type) || PyModule_AddIntConstant(made, "FORMAT", FORMAT))) Py_CLEAR(made);
    return made;
}
