/* The compiled sends.

   They cover the fast path only: find the route, call its receivers, collect the responses.
   The arguments are forwarded as the interpreter passed them, without a dictionary. If a send
   has more to do, or must be refused, the function in Python is called with the same arguments.

       send.py     the functions in Python, which are the reference
       _state.h    the state of the module, and the errors of receivers
       _find.h     from the caller's arguments to a route
       _send.c     the sends, the methods of Signal, and the module

   The headers are chapters of this file. A "new" reference belongs to the caller or to the
   struct that holds it; a "borrowed" one does not. A function "steals" the reference to an
   argument if it releases it.
*/

#include "_state.h"

#include "_find.h"

/* --- Sends -------------------------------------------------------------------------- */

/* Return the pair of a receiver and its response: a new reference. Steals the response. */
static PyObject *
pair(PyObject *receiver, PyObject *response)
{
    PyObject *pair = PyTuple_New(2);
    if (pair == NULL) {
        Py_DECREF(response);
        return NULL;
    }
    PyTuple_SET_ITEM(pair, 0, Py_NewRef(receiver));
    PyTuple_SET_ITEM(pair, 1, response);
    return pair;
}

/* Return the response of a receiver: a new reference; NULL with its error. */
static PyObject *
call_receiver(PyObject *receiver, Arguments *arguments)
{
    return PyObject_Vectorcall(receiver, arguments->vector + 1,
                               PY_VECTORCALL_ARGUMENTS_OFFSET, arguments->names);
}

/* Python 3.12 and 3.13 limit the depth of calls in C by a count; 3.14 measures the stack. The
   limit of 3.13 assumes some 800 bytes a call. A send needs that much without its receiver,
   so it counts as two calls. */
#if PY_VERSION_HEX >= 0x030D0000 && PY_VERSION_HEX < 0x030E0000
#define WEIGHT 2
#else
#define WEIGHT 1
#endif

static int
enter_send(void)
{
    for (int i = 0; i < WEIGHT; i++) {
        if (Py_EnterRecursiveCall(" in a send")) {
            while (i--) {
                Py_LeaveRecursiveCall();
            }
            return -1;
        }
    }
    return 0;
}

static void
leave_send(void)
{
    for (int i = 0; i < WEIGHT; i++) {
        Py_LeaveRecursiveCall();
    }
}

/* Call all receivers and return their responses: a new list; NULL with the error. */
static PyObject *
call_all(State *state, PyObject *signal, PyObject *receivers, Arguments *arguments, int robust)
{
    Py_ssize_t count = PyTuple_GET_SIZE(receivers);
    PyObject *responses = PyList_New(0);
    if (responses == NULL || count == 0) {
        return responses;
    }
    if (enter_send() < 0) {
        Py_DECREF(responses);
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *receiver = PyTuple_GET_ITEM(receivers, i);
        PyObject *response = call_receiver(receiver, arguments);
        if (response == NULL) {
            response = response_for_error(state, signal, receiver, robust);
        }
        PyObject *item = response == NULL ? NULL : pair(receiver, response);
        int failed = item == NULL || PyList_Append(responses, item) < 0;
        Py_XDECREF(item);
        if (failed) {
            Py_CLEAR(responses);
            break;
        }
    }
    leave_send();
    return responses;
}

/* Call the function in Python and return its result: a new reference; NULL with an error. */
static PyObject *
in_python(Method *self, PyObject *const *args, Py_ssize_t positional, PyObject *keywords)
{
    if (Py_EnterRecursiveCall(" in a send")) {
        return NULL;
    }
    PyObject *result = PyObject_Vectorcall(self->function, args, positional, keywords);
    Py_LeaveRecursiveCall();
    return result;
}

static PyObject *
send(Method *self, PyObject *const *args, Py_ssize_t positional, PyObject *keywords)
{
    State *state = self->state;
    Arguments arguments;
    int ours = gather(state, args, positional, keywords, &arguments);
    if (ours <= 0) {
        return ours < 0 ? NULL : in_python(self, args, positional, keywords);
    }
    PyObject *responses = NULL, *receivers = NULL;
    PyObject *route = find_route(state, arguments.table, arguments.sender);
    if (route != NULL) {
        receivers = receivers_of(state, route);
        Py_DECREF(route);
    }
    if (receivers != NULL) {
        responses = call_all(state, args[0], receivers, &arguments, IS_ROBUST(self));
        Py_DECREF(receivers);
    }
    else if (!PyErr_Occurred()) {
        responses = in_python(self, args, positional, keywords);
    }
    release(&arguments);
    return responses;
}

static PyObject *
has_listeners(Method *self, PyObject *const *args, Py_ssize_t positional, PyObject *keywords)
{
    State *state = self->state;
    PyObject *table = NULL, *result = NULL;
    if (positional == 2 && keywords == NULL) {
        table = table_of(state, args[0]);
        PyObject *route = table == NULL ? NULL : find_route(state, table, args[1]);
        PyObject *receivers = route == NULL ? NULL : receivers_of(state, route);
        if (receivers != NULL) {
            result = PyBool_FromLong(PyTuple_GET_SIZE(receivers) > 0);
        }
        Py_XDECREF(receivers);
        Py_XDECREF(route);
        Py_XDECREF(table);
    }
    if (result == NULL && !PyErr_Occurred()) {
        result = in_python(self, args, positional, keywords);
    }
    return result;
}

/* --- Awaited sends: asend returns a coroutine, which calls `begin` when it is awaited ---- */

static PyObject *
asend(Method *self, PyObject *const *args, Py_ssize_t positional, PyObject *keywords)
{
    PyObject *names = keywords == NULL ? self->state->no_names : keywords;
    int is_named = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++) {
        is_named += PyTuple_GET_ITEM(names, i) == self->state->str_sender;
    }
    /* Without a sender, or with several, the function in Python refuses the call. */
    if (positional + is_named != 2 || self->begin == NULL) {
        return in_python(self, args, positional, keywords);
    }
    Py_ssize_t count = positional + PyTuple_GET_SIZE(names);
    PyObject *values = PyTuple_New(count);
    if (values == NULL) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyTuple_SET_ITEM(values, i, Py_NewRef(args[i]));
    }
    PyObject *const arguments[] = {self->begin, names, values};
    PyObject *coroutine = PyObject_Vectorcall(self->awaiting, arguments, 3, NULL);
    Py_DECREF(values);
    return coroutine;
}

/* Call the only receiver, a coroutine function. Return it and its coroutine, which has not
   started: a new pair; NULL with an error. */
static PyObject *
begin_single(State *state, Method *self, PyObject *receiver, Arguments *arguments,
            PyObject *signal)
{
    PyObject *coroutine = call_receiver(receiver, arguments);
    if (coroutine != NULL) {
        return pair(receiver, coroutine);
    }
    PyObject *response = response_for_error(state, signal, receiver, IS_ROBUST(self));
    return response == NULL ? NULL : Py_BuildValue("[N]", pair(receiver, response));
}

/* begin(names, values): return the responses if nothing is left to await, or a single async
   receiver and its coroutine, or None and the coroutine of the function in Python. All are
   new references. */
static PyObject *
begin(PyObject *method, PyObject *const *given, Py_ssize_t count)
{
    Method *self = (Method *)method;
    State *state = self->state;
    /* Code that replaces `awaiting` can call this function with anything. */
    if (count != 2 || !are_names(given[0]) || !PyTuple_CheckExact(given[1])
        || PyTuple_GET_SIZE(given[1]) <= PyTuple_GET_SIZE(given[0])) {
        PyErr_SetString(PyExc_TypeError, "begin() takes two tuples: the names of the keywords, "
                                         "and the signal with all that was given.");
        return NULL;
    }
    PyObject *names = given[0], *result = NULL;
    PyObject *const *args = &PyTuple_GET_ITEM(given[1], 0);
    Py_ssize_t positional = PyTuple_GET_SIZE(given[1]) - PyTuple_GET_SIZE(names);
    Arguments arguments;
    int ours = gather(state, args, positional, names, &arguments);
    if (ours > 0) {
        PyObject *route = find_route(state, arguments.table, arguments.sender);
        PyObject *receiver = NULL, *receivers = NULL;
        PyObject *single_async = route == NULL ? NULL : SLOT(route, state->single_async);
        if (route != NULL && SLOT(route, state->is_inline) == Py_True) {
            receivers = receivers_of(state, route);
        }
        else if (IS_A(single_async, state->registration_type)) {
            receiver = live(state, single_async);
        }
        Py_XDECREF(route);
        if (receivers != NULL) {
            result = call_all(state, args[0], receivers, &arguments, IS_ROBUST(self));
            Py_DECREF(receivers);
        }
        else if (receiver != NULL) {
            result = begin_single(state, self, receiver, &arguments, args[0]);
            Py_DECREF(receiver);
        }
        release(&arguments);
    }
    if (result == NULL && !PyErr_Occurred()) {
        result = Py_BuildValue("(ON)", Py_None, in_python(self, args, positional, names));
    }
    return result;
}

static PyMethodDef begin_def = {
    "begin", (PyCFunction)(void (*)(void))begin, METH_FASTCALL,
    "Call the receivers that need no await, and return the coroutine that is left."};

/* --- Method: the type of Signal's methods --------------------------------------------- */

static PyObject *
method_vectorcall(PyObject *callable, PyObject *const *args, size_t nargsf, PyObject *keywords)
{
    Method *self = (Method *)callable;
    Py_ssize_t positional = PyVectorcall_NARGS(nargsf);
    if (positional == 0) {
        return in_python(self, args, positional, keywords); /* it reports what is missing */
    }
    switch (self->kind) {
    case SEND:
    case SEND_ROBUST:
        return send(self, args, positional, keywords);
    case HAS_LISTENERS:
        return has_listeners(self, args, positional, keywords);
    default:
        return asend(self, args, positional, keywords);
    }
}

static PyObject *
method_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"function", "name", "awaiting", NULL};
    PyObject *function, *awaiting = Py_None;
    const char *name;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "Os|O:Method", names, &function, &name,
                                     &awaiting)) {
        return NULL;
    }
    int kind = 0;
    while (kind < KINDS && strcmp(name, kind_names[kind])) {
        kind++;
    }
    if (kind == KINDS) {
        return PyErr_Format(PyExc_ValueError,
                            "There is no compiled '%s'. Use the function in Python.", name);
    }
    if (Py_IS_TYPE(function, type)) { /* methods in methods would overflow the stack */
        PyErr_SetString(PyExc_TypeError, "A compiled method wraps a function in Python, not "
                                         "another method. Give the method's __wrapped__.");
        return NULL;
    }
    Method *self = (Method *)type->tp_alloc(type, 0);
    if (self != NULL) {
        self->vectorcall = method_vectorcall;
        self->module = Py_NewRef(PyType_GetModule(type));
        self->state = PyModule_GetState(self->module);
        self->function = Py_NewRef(function);
        self->awaiting = Py_NewRef(awaiting);
        self->kind = kind;
        self->begin = PyCFunction_New(&begin_def, (PyObject *)self);
        if (self->begin == NULL) {
            Py_CLEAR(self);
        }
    }
    return (PyObject *)self;
}

/* Return the function to bind to a signal: for a declared signal one with its signature, which
   `own_send` builds once. Otherwise the method itself. A new reference. */
static PyObject *
function_for(Method *self, PyObject *object)
{
    State *state = self->state;
    if (self->kind == HAS_LISTENERS || !PyObject_TypeCheck(object, state->tabled_type)) {
        return Py_NewRef(self);
    }
    PyObject *table = SLOT(object, state->table);
    PyObject *own = IS_A(table, state->table_type) ? SLOT(table, state->own_sends) : NULL;
    if (own == NULL || !PyDict_CheckExact(own)) {
        return Py_NewRef(self);
    }
    PyObject *function = PyDict_GetItemWithError(own, (PyObject *)self);
    if (function != NULL || PyErr_Occurred()) {
        return Py_XNewRef(function);
    }
    return PyObject_CallMethodObjArgs(object, state->str_own_send, self, NULL);
}

/* Bind the method. The interpreter calls `signal.send(...)` without this, unless the code has
   imported the name `signal` (from CPython 3.12 on). */
static PyObject *
method_get(PyObject *self, PyObject *object, PyObject *Py_UNUSED(type))
{
    if (object == NULL || object == Py_None) {
        return Py_NewRef(self);
    }
    PyObject *function = function_for((Method *)self, object);
    if (function == NULL) {
        return NULL;
    }
    PyObject *method = PyMethod_New(function, object);
    Py_DECREF(function);
    return method;
}

/* Show the attributes of the function, such as its code, which `inspect` reads. */
static PyObject *
method_getattro(PyObject *self, PyObject *name)
{
    State *state = ((Method *)self)->state;
    if (name != state->str_doc && name != state->str_module) {
        PyObject *own = PyObject_GenericGetAttr(self, name);
        if (own != NULL || !PyErr_ExceptionMatches(PyExc_AttributeError)) {
            return own;
        }
        PyErr_Clear();
    }
    return PyObject_GetAttr(((Method *)self)->function, name);
}

static PyObject *
method_repr(PyObject *self)
{
    return PyUnicode_FromFormat("<compiled %R>", ((Method *)self)->function);
}

static int
method_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((Method *)self)->module);
    Py_VISIT(((Method *)self)->function);
    Py_VISIT(((Method *)self)->awaiting);
    Py_VISIT(((Method *)self)->begin);
    return 0;
}

/* Clear `begin` only. Any other cycle has a dictionary in it, which the collector clears. So
   a method that is called while its module is collected still has its function. */
static int
method_clear(PyObject *self)
{
    Py_CLEAR(((Method *)self)->begin);
    return 0;
}

static void
method_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Method *method = (Method *)self;
    PyObject_GC_UnTrack(self);
    if (method->weak_references != NULL) {
        PyObject_ClearWeakRefs(self);
    }
    Py_XDECREF(method->begin);
    Py_XDECREF(method->function);
    Py_XDECREF(method->awaiting);
    Py_XDECREF(method->module);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMemberDef method_members[] = {
    {"__wrapped__", T_OBJECT_EX, offsetof(Method, function), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Method, weak_references), READONLY, NULL},
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Method, vectorcall), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot method_slots[] = {
    {Py_tp_new, method_new},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_descr_get, method_get},
    {Py_tp_getattro, method_getattro},
    {Py_tp_repr, method_repr},
    {Py_tp_traverse, method_traverse},
    {Py_tp_clear, method_clear},
    {Py_tp_dealloc, method_dealloc},
    {Py_tp_members, method_members},
    {0, NULL},
};

static PyType_Spec method_spec = {
    .name = "clarion._core._send.Method",
    .basicsize = sizeof(Method),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE
             | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR,
    .slots = method_slots,
};

/* --- The module ----------------------------------------------------------------------- */

/* Return an attribute of a module of the core: a new reference; NULL with an error. */
static PyObject *
from_core(const char *module_name, const char *name)
{
    PyObject *module = PyImport_ImportModule(module_name);
    PyObject *found = module == NULL ? NULL : PyObject_GetAttrString(module, name);
    Py_XDECREF(module);
    return found;
}

/* Read the offset of a slot in the instances of a class. */
static int
locate(PyTypeObject *class, const char *name, Py_ssize_t *offset)
{
    PyObject *slot = PyObject_GetAttrString((PyObject *)class, name);
    if (slot == NULL) {
        return -1;
    }
    int is_slot = Py_IS_TYPE(slot, &PyMemberDescr_Type) && PyDescr_TYPE(slot) == class;
    if (is_slot) {
        *offset = ((PyMemberDescrObject *)slot)->d_member->offset;
    }
    else {
        PyErr_Format(PyExc_ImportError,
                     "%R has no slot '%s'. Build Clarion again.", class, name);
    }
    Py_DECREF(slot);
    return is_slot ? 0 : -1;
}

/* A class of the core, and those of its slots that this file reads. */
typedef struct {
    const char *module, *name;
    PyTypeObject **type;
    struct {
        const char *name;
        Py_ssize_t *offset;
    } slots[7]; /* the last one is empty */
} Class;

static int
locate_all(State *s)
{
    const Class classes[] = {
        {"clarion._core.table", "Table", &s->table_type,
         {{"any_sender", &s->any_sender}, {"buckets", &s->buckets},
          {"subclass_registrations", &s->subclass_registrations},
          {"guard", &s->guard}, {"keywords", &s->keywords}, {"own_sends", &s->own_sends}}},
        {"clarion._core.tabled", "Tabled", &s->tabled_type, {{"_table", &s->table}}},
        {"clarion._core.route", "Bucket", &s->bucket_type, {{"route", &s->route}}},
        {"clarion._core.route", "Route", &s->route_type,
         {{"is_inline", &s->is_inline}, {"is_simple", &s->is_simple},
          {"single_async", &s->single_async}, {"strong_receivers", &s->strong_receivers},
          {"registrations", &s->registrations}}},
        {"clarion._core.registration", "Registration", &s->registration_type,
         {{"_function", &s->function}, {"_receiver", &s->receiver},
          {"_reference", &s->reference}}},
    };
    for (size_t i = 0; i < sizeof(classes) / sizeof(Class); i++) {
        const Class *class = &classes[i];
        PyObject *found = from_core(class->module, class->name);
        if (found == NULL) {
            return -1;
        }
        if (!PyType_Check(found)) {
            PyErr_Format(PyExc_ImportError, "%R is not a class. Build Clarion again.", found);
            Py_DECREF(found);
            return -1;
        }
        *class->type = (PyTypeObject *)found;
        for (int j = 0; class->slots[j].name != NULL; j++) {
            if (locate(*class->type, class->slots[j].name, class->slots[j].offset) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

static int
intern_all(State *s)
{
    const struct {
        const char *text;
        PyObject **string;
    } strings[] = {
        {"__doc__", &s->str_doc},
        {"find_route", &s->str_find_route},
        {"live", &s->str_live},
        {"__module__", &s->str_module},
        {"_own_send", &s->str_own_send},
        {"sender", &s->str_sender},
        {"_table", &s->str_table},
    };
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        *strings[i].string = PyUnicode_InternFromString(strings[i].text);
        if (*strings[i].string == NULL) {
            return -1;
        }
    }
    return 0;
}

static int
module_exec(PyObject *module)
{
    State *s = PyModule_GetState(module);
    if (locate_all(s) < 0 || intern_all(s) < 0
        || (s->add_receiver_note = from_core("clarion._core.notes", "add_receiver_note")) == NULL
        || (s->log_receiver_failure = from_core("clarion._core.notes", "log_receiver_failure"))
               == NULL
        || (s->no_names = PyTuple_New(0)) == NULL) {
        return -1;
    }
    PyObject *type = PyType_FromModuleAndSpec(module, &method_spec, NULL);
    s->method_type = (PyTypeObject *)type;
    return type == NULL ? -1 : PyModule_AddType(module, s->method_type);
}

static int
module_traverse(PyObject *module, visitproc visit, void *arg)
{
    State *s = PyModule_GetState(module);
    Py_VISIT(s->method_type);
    Py_VISIT(s->table_type);
    Py_VISIT(s->tabled_type);
    Py_VISIT(s->bucket_type);
    Py_VISIT(s->route_type);
    Py_VISIT(s->registration_type);
    Py_VISIT(s->add_receiver_note);
    Py_VISIT(s->log_receiver_failure);
    for (int i = 0; i < SITES; i++) { /* the default of a keyword may be any object */
        Py_VISIT(s->sites[i].keywords);
        Py_VISIT(s->sites[i].entry);
    }
    return 0;
}

/* There is no m_clear, because methods need the state until they are freed. The collector
   clears the classes and functions that the state holds. */
static void
module_free(void *module)
{
    State *s = PyModule_GetState(module);
    if (s == NULL) {
        return;
    }
    Py_CLEAR(s->method_type);
    Py_CLEAR(s->table_type);
    Py_CLEAR(s->tabled_type);
    Py_CLEAR(s->bucket_type);
    Py_CLEAR(s->route_type);
    Py_CLEAR(s->registration_type);
    Py_CLEAR(s->add_receiver_note);
    Py_CLEAR(s->log_receiver_failure);
    Py_CLEAR(s->no_names);
    Py_CLEAR(s->str_doc);
    Py_CLEAR(s->str_find_route);
    Py_CLEAR(s->str_live);
    Py_CLEAR(s->str_module);
    Py_CLEAR(s->str_own_send);
    Py_CLEAR(s->str_sender);
    Py_CLEAR(s->str_table);
    for (int i = 0; i < SITES; i++) {
        forget(&s->sites[i]);
    }
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
#if PY_VERSION_HEX >= 0x030C0000
    /* The module has no static data that changes. */
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
    {0, NULL},
};

static struct PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "clarion._core._send",
    .m_doc = "The compiled sends.",
    .m_size = sizeof(State),
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_free = module_free,
};

PyMODINIT_FUNC
PyInit__send(void)
{
    return PyModuleDef_Init(&module_def);
}
