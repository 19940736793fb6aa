/* A chapter of _send.c, which includes it once: the state of the module, the methods, and the
   errors of receivers. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

/* A send of more arguments than this runs in Python. */
#define MOST 32

/* How many sends in the code are cached, by the address of their keyword names; a power of
   two. */
#define SITES 256

/* The names of `send(**kwargs)` are created for that one call. From 3.13 on the reference
   count shows it, because the interpreter holds a reference to the names in code. */
#if PY_VERSION_HEX >= 0x030D0000
#define ARE_LASTING(names) (Py_REFCNT(names) > 1)
#else
#define ARE_LASTING(names) 1
#endif

/* A cached send: the `Keywords` of a signal, the names in the code, and the entry for them.
   Most signals share one `Keywords`; a declared signal has its own. */
typedef struct {
    PyObject *keywords; /* new */
    PyObject *names;    /* new */
    PyObject *entry;    /* new */
} Site;

static void
forget(Site *site)
{
    Py_CLEAR(site->keywords);
    Py_CLEAR(site->names);
    Py_CLEAR(site->entry);
}

/* All references are new. */
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
    PyObject *str_own_send;
    PyObject *str_sender;
    PyObject *str_table;
    /* The offsets of the slots of classes in Python: Table, Bucket, Route, Registration and
       Tabled. */
    Py_ssize_t any_sender, buckets, subclass_registrations, guard, keywords, own_sends;
    Py_ssize_t route;
    Py_ssize_t is_inline, is_simple, single_async, strong_receivers, registrations;
    Py_ssize_t function, receiver, reference;
    Py_ssize_t table;
    Site sites[SITES];
} State;

/* A slot holds a borrowed reference, or NULL. */
#define SLOT(object, offset) (*(PyObject **)((char *)(object) + (offset)))
#define IS_A(object, type) ((object) != NULL && PyObject_TypeCheck(object, type))
#define IS_TUPLE(object) ((object) != NULL && PyTuple_CheckExact(object))

/* The methods of Signal that are compiled. */
enum kind { SEND, SEND_ROBUST, ASEND, ASEND_ROBUST, HAS_LISTENERS, KINDS };

static const char *const kind_names[KINDS] = {
    "send", "send_robust", "asend", "asend_robust", "has_listeners"};

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    PyObject *weak_references;
    PyObject *module; /* new; it owns the state */
    State *state;
    PyObject *function; /* new; the function in Python */
    PyObject *awaiting; /* new; for asend: the coroutine function that calls `begin` first */
    PyObject *begin;    /* new */
    enum kind kind;
} Method;

#define IS_ROBUST(method) ((method)->kind == SEND_ROBUST || (method)->kind == ASEND_ROBUST)

/* --- Errors ------------------------------------------------------------------------- */

/* Clear the error that is set and return it: a new reference. */
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

/* Set an error again. Steals the reference. */
static void
raise_again(PyObject *error)
{
#if PY_VERSION_HEX >= 0x030C0000
    PyErr_SetRaisedException(error);
#else
    PyErr_Restore(Py_NewRef(Py_TYPE(error)), error, PyException_GetTraceback(error));
#endif
}

/* Add a note to the error that is set: which receiver raised it. */
static void
add_receiver_note(State *state, PyObject *signal, PyObject *receiver)
{
    PyObject *error = take_error();
    PyObject *done = PyObject_CallFunctionObjArgs(state->add_receiver_note, error, signal,
                                                  receiver, NULL);
    if (done == NULL && !PyErr_ExceptionMatches(PyExc_Exception)) {
        Py_DECREF(error); /* interrupted */
        return;
    }
    PyErr_Clear(); /* at the recursion limit the note cannot be added */
    Py_XDECREF(done);
    raise_again(error);
}

/* A receiver has raised. In a robust send, log the error and return it as the response: a new
   reference. Otherwise add a note and return NULL with the error. */
static PyObject *
response_for_error(State *state, PyObject *signal, PyObject *receiver, int robust)
{
    if (!PyErr_ExceptionMatches(PyExc_Exception)) {
        return NULL;
    }
    if (!robust) {
        add_receiver_note(state, signal, receiver);
        return NULL;
    }
    PyObject *error = take_error();
    /* As in an `except` clause, because logging may call sys.exception(). */
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
