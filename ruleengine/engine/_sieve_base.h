/* What the sieve is made of: texts, maps from texts, tokens and lines, and the object itself. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <structmember.h>

typedef const unsigned char *Text;
typedef struct { Text at; size_t length; uint64_t hash; void *value; } Slot;
typedef struct { Slot *slots; size_t size, used; } Map;
typedef struct { char *at; size_t size; } Buffer;

enum { FORMAT = 1 };  /* one more whenever native.py or programs.py speaks to the sieve in another way */

/* Kinds of values. From FOREIGN on, what their text is, or its fold, only Python knows. */
enum { PLAIN, ESCAPED, INTEGER, WORD, NOTHING, NESTED, FOREIGN, FRACTION };
enum { DECIDES = 1, HIDDEN = 2 };    /* flags of keys, as in native.py */
enum { FAILED = -1, FINE, ODD };     /* what a step may end with; FAILED: an exception is set */
enum { FALSE, TRUE, UNKNOWN };
enum {
    MOST_LINES = 1 << 11,            /* lines that are looked through together */
    MOST_KEYS = 1 << 14, MOST_PLANS = 1 << 12, MOST_RARE = 1 << 14,  /* what is learned of events */
    LONGEST = 512, WIDEST = 300,     /* bytes of a key or value that is remembered; keys of such a line */
    LARGEST_PLAN = 1 << 13, LONGEST_LINE = 1 << 20,
    DEEPEST = 32, DEEPEST_PROGRAM = 128,
};

/* Terms that ask for values of a field: by text, by its end from the last `\` or `/` on, by the JSON of a rare value. */
typedef struct { Map values, tails, rare; const uint64_t *others; int numbers; } Field;
typedef struct Key { PyObject *name; uint32_t number, flags, token; int learned; Field *field; struct Key *next; } Key;
typedef struct { Key *key; Text at, folded; uint32_t length, kind, folded_length; } Token;
typedef struct { Text start, end; size_t first, count; int odd; } Line;
typedef struct { size_t end, line; } Span;
typedef struct { const uint32_t *begins, *terms; const char *values_only; const uint64_t *every; size_t count; } Automaton;
typedef struct { Text code; Key **keys; } Program;

typedef struct {
    PyObject_HEAD
    PyObject *kept, *data;                      /* what lasts; the block */
    PyObject *ask_key, *ask_plan, *ask_value;   /* native.py says what is new */
    const uint32_t *owner;                      /* the rule of each term */
    const uint64_t *free;                       /* the terms without literals */
    size_t words, terms, rules, automata, most_keys, longest_key, rare;
    Program *programs;
    Automaton *automaton, *current;
    Map keys, plans;
    Key *next;                                  /* the key that lines begin with */
    size_t lines, before, scanned, at, folded;
    Buffer line, token, mask, hit, span, fold, rule;
    uint64_t *extra;
    uint64_t *asked, turn;                      /* the line for which a rule was asked last */
    Text quote_from, quote;                     /* the quote that was found last behind a literal, and from where on */
    int full, ready, busy;
} Sieve;

static uint64_t seed;

static void *kept(Sieve *s, const void *from, size_t size) {  /* a copy, or zeros, that last */
    PyObject *bytes = PyBytes_FromStringAndSize(from, (Py_ssize_t)size);
    if (!bytes) return NULL;
    if (!from) memset(PyBytes_AS_STRING(bytes), 0, size);
    int failed = PyList_Append(s->kept, bytes);
    Py_DECREF(bytes);
    return failed ? NULL : PyBytes_AS_STRING(bytes);
}

static PyObject *told(Sieve *s, PyObject *answer) {  /* what Python answered, to last */
    if (answer && PyList_Append(s->kept, answer)) Py_CLEAR(answer);
    else Py_XDECREF(answer);
    return answer;
}

static int is_mask(const Sieve *s, PyObject *given) {
    return PyBytes_Check(given) && (size_t)PyBytes_GET_SIZE(given) == s->words * 8;
}

static int are_below(PyObject *given, size_t bound) {  /* whether these are numbers, all below the bound */
    if (!PyBytes_Check(given) || PyBytes_GET_SIZE(given) % 4) return 0;
    const uint32_t *number = (const uint32_t *)PyBytes_AS_STRING(given);
    for (Py_ssize_t left = PyBytes_GET_SIZE(given) / 4; left--; number++)
        if (*number >= bound) return 0;
    return 1;
}

static int refuse(const char *what) {
    PyErr_Format(PyExc_ValueError, "%s cannot be used", what);
    return FAILED;
}

static void *grown(Buffer *buffer, size_t size) {
    if (size >= buffer->size) {
        char *at = PyMem_Realloc(buffer->at, size * 2 + 1);
        if (!at) return PyErr_NoMemory();
        buffer->at = at;
        buffer->size = size * 2 + 1;
    }
    return buffer->at;
}

static uint64_t hashed(Text at, size_t length) {
    uint64_t hash = seed ^ length, word;
    for (; length >= 8; at += 8, length -= 8) {
        memcpy(&word, at, 8);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 32;
    }
    word = 0;
    memcpy(&word, at, length);
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

static Slot *slot(const Map *map, Text at, size_t length, uint64_t hash) {  /* where it stands, or has its place */
    for (size_t place = hash;; place++) {
        Slot *s = &map->slots[place & (map->size - 1)];
        if (!s->at || (s->hash == hash && s->length == length && !memcmp(s->at, at, length))) return s;
    }
}

static void *found(const Map *map, Text at, size_t length) {
    return map->used ? slot(map, at, length, hashed(at, length))->value : NULL;
}

static int put(Sieve *s, Map *map, Text at, size_t length, void *value) {  /* what is at `at` has to last */
    if (map->used * 2 >= map->size) {
        Map larger = {NULL, map->size ? map->size * 4 : 16, map->used};
        if (!(larger.slots = kept(s, NULL, larger.size * sizeof(Slot)))) return FAILED;
        for (Slot *old = map->slots; old < map->slots + map->size; old++)
            if (old->at) *slot(&larger, old->at, old->length, old->hash) = *old;
        *map = larger;
    }
    uint64_t hash = hashed(at, length);
    *slot(map, at, length, hash) = (Slot){at, length, hash, value};
    map->used++;
    return FINE;
}
