/* What the compiled sends keep and know: the state of the module, the methods, and how an
   error of a receiver is passed on. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

/* More arguments than this, and the send is left to Python. */
#define MOST 32

/* How many ways of writing a send are remembered by where the names of their keywords lie;
   a power of two. */
#define SITES 256

/* The names of `send(**named)` are made for that one call. From 3.13 on that can be told:
   those that the code holds, the interpreter holds as well. */
#if PY_VERSION_HEX >= 0x030D0000
#define ARE_LASTING(names) (Py_REFCNT(names) > 1)
#else
#define ARE_LASTING(names) 1
#endif

/* A send as it is written somewhere: the names of its keywords, which the code holds, and
   what a signal's keywords say of them. Most signals share theirs; a declared one has its own. */
typedef struct {
    PyObject *keywords;
    PyObject *names;
    PyObject *entry;
} Site;

static void
forget(Site *site)
{
    Py_CLEAR(site->keywords);
    Py_CLEAR(site->names);
    Py_CLEAR(site->entry);
}

typedef struct {
    PyTypeObject *method_type;
    PyTypeObject *table_type;
    PyTypeObject *tabled_type;
    PyTypeObject *bucket_type;
    PyTypeObject *route_type;
    PyTypeObject *registration_type;
    PyObject *add_receiver_note;
    PyObject *log_receiver_failure;
    PyObject *no_names;
    PyObject *str_doc;
    PyObject *str_find_route;
    PyObject *str_live;
    PyObject *str_module;
    PyObject *str_sender;
    PyObject *str_table;
    /* Where the slots of the classes in Python lie. */
    Py_ssize_t any_sender, buckets, subclass_registrations, guard, keywords; /* of a Table */
    Py_ssize_t route;                                      /* of a Bucket */
    Py_ssize_t is_inline, is_simple, single_async, strong_receivers, registrations; /* of a Route */
    Py_ssize_t function, receiver, reference; /* of a Registration */
    Py_ssize_t table; /* of a Signal, if it is Clarion's own */
    Site sites[SITES];
} State;

#define SLOT(object, offset) (*(PyObject **)((char *)(object) + (offset)))
#define IS_A(object, type) ((object) != NULL && PyObject_TypeCheck(object, type))
#define IS_TUPLE(object) ((object) != NULL && PyTuple_CheckExact(object))

/* A method of Signal; or has_listeners, which is asked before a send. */
enum kind { SEND, SEND_ROBUST, ASEND, ASEND_ROBUST, HAS_LISTENERS, KINDS };

static const char *const kind_names[KINDS] = {
    "send", "send_robust", "asend", "asend_robust", "has_listeners"};

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *weak_references;
    PyObject *module; /* which owns the state */
    State *state;
    PyObject *function; /* the one in Python */
    PyObject *awaiting; /* for asend: the coroutine function that begins by calling `begin` */
    PyObject *begin;
    enum kind kind;
} Method;

#define IS_ROBUST(method) ((method)->kind == SEND_ROBUST || (method)->kind == ASEND_ROBUST)

/* --- Errors ------------------------------------------------------------------------- */

static PyObject *
take_error(void)
{
#if PY_VERSION_HEX >= 0x030C0000
    return PyErr_GetRaisedException();
#else
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    if (traceback != NULL) {
        PyException_SetTraceback(error, traceback);
    }
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return error;
#endif
}

static void
raise_again(PyObject *error)
{
#if PY_VERSION_HEX >= 0x030C0000
    PyErr_SetRaisedException(error);
#else
    PyErr_Restore(Py_NewRef(Py_TYPE(error)), error, PyException_GetTraceback(error));
#endif
}

/* Note on the error that is set which receiver let it pass. */
static void
add_receiver_note(State *state, PyObject *signal, PyObject *receiver)
{
    PyObject *error = take_error();
    PyObject *done = PyObject_CallFunctionObjArgs(state->add_receiver_note, error, signal, receiver, NULL);
    if (done == NULL && !PyErr_ExceptionMatches(PyExc_Exception)) {
        Py_DECREF(error); /* interrupted */
        return;
    }
    PyErr_Clear(); /* at the limit of recursion there is no room for a note */
    Py_XDECREF(done);
    raise_again(error);
}

/* A receiver has raised: return what stands in for its answer, or NULL to raise on. */
static PyObject *
answer_for_error(State *state, PyObject *signal, PyObject *receiver, int robust)
{
    if (!PyErr_ExceptionMatches(PyExc_Exception)) {
        return NULL;
    }
    if (!robust) {
        add_receiver_note(state, signal, receiver);
        return NULL;
    }
    PyObject *error = take_error();
    /* As in an `except` clause: whoever logs may ask which error is being handled. */
    PyObject *before = PyErr_GetHandledException();
    PyErr_SetHandledException(error);
    PyObject *logged =
        PyObject_CallFunctionObjArgs(state->log_receiver_failure, signal, receiver, error, NULL);
    PyErr_SetHandledException(before);
    Py_XDECREF(before);
    if (logged == NULL) {
        Py_DECREF(error);
        return NULL;
    }
    Py_DECREF(logged);
    return error;
}
