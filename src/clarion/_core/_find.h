/* A chapter of _send.c, which includes it once: from the caller's arguments to a route.

   The tables, routes and registrations that are read here are Python objects. Any code may
   have put other objects into their slots, or deleted them. So the type of each is checked
   before it is used. If it is wrong, the function in Python runs and raises the error. */

/* --- Arguments ---------------------------------------------------------------------- */

/* The arguments of the receivers. The values are borrowed: from the caller, from the entry,
   from the signal. Before them is room for one more, which a bound method needs for `self`. */
typedef struct {
    PyObject *table;  /* new */
    PyObject *entry;  /* new: names, defaults, whether receivers get the signal */
    PyObject *names;  /* borrowed from the entry */
    PyObject *sender; /* borrowed from the caller */
    PyObject *vector[1 + MOST];
} Arguments;

static void
release(Arguments *arguments)
{
    Py_CLEAR(arguments->entry);
    Py_CLEAR(arguments->table);
}

/* Return the table of a signal: a new reference; NULL without an error if it has none. */
static PyObject *
table_of(State *state, PyObject *signal)
{
    PyObject *table = PyObject_TypeCheck(signal, state->tabled_type)
                          ? Py_XNewRef(SLOT(signal, state->table))
                          : PyObject_GetAttr(signal, state->str_table);
    if (table == NULL && PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
    }
    else if (table != NULL && !PyObject_TypeCheck(table, state->table_type)) {
        Py_CLEAR(table);
    }
    return table;
}

static int
are_names(PyObject *names)
{
    if (!PyTuple_CheckExact(names)) {
        return 0;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++) {
        if (!PyUnicode_Check(PyTuple_GET_ITEM(names, i))) {
            return 0;
        }
    }
    return 1;
}

/* Return whether an entry is a tuple of names, defaults, and whether receivers get the
   signal. */
static int
is_entry(PyObject *entry)
{
    return PyTuple_CheckExact(entry) && PyTuple_GET_SIZE(entry) == 3
           && are_names(PyTuple_GET_ITEM(entry, 0))
           && PyTuple_CheckExact(PyTuple_GET_ITEM(entry, 1));
}

/* Look up, or compute, the entry for these names: a new reference; NULL without an error if
   the function in Python has to run. */
static PyObject *
look_up(PyObject *keywords, PyObject *names)
{
    PyObject *entry = PyObject_GetItem(keywords, names);
    if (entry != NULL && !is_entry(entry)) {
        Py_CLEAR(entry);
    }
    return entry;
}

/* As look_up, but cached for each send in the code, by the address of its names. */
static PyObject *
entry_of(State *state, PyObject *keywords, PyObject *names)
{
    if (keywords == NULL) {
        return NULL;
    }
    uintptr_t place = ((uintptr_t)names >> 4) ^ ((uintptr_t)keywords >> 6);
    Site *site = &state->sites[place & (SITES - 1)];
    if (site->names == names && site->keywords == keywords) {
        return Py_NewRef(site->entry);
    }
    Py_INCREF(keywords); /* the code that it calls may replace those of the table */
    PyObject *entry = look_up(keywords, names);
    if (entry != NULL && ARE_LASTING(names)) {
        Site before = *site; /* replace all before releasing any, which may run code */
        *site = (Site){Py_NewRef(keywords), Py_NewRef(names), Py_NewRef(entry)};
        forget(&before);
    }
    Py_DECREF(keywords);
    return entry;
}

/* Fill `arguments` from the caller's: the signal, perhaps the sender, and the values of the
   keywords. Return 1, or 0 if the function in Python has to run, or -1 with an error. */
static int
gather(State *state, PyObject *const *args, Py_ssize_t positional, PyObject *keywords,
       Arguments *arguments)
{
    arguments->entry = NULL;
    arguments->table = table_of(state, args[0]);
    if (arguments->table == NULL || positional > 2) {
        goto not_ours;
    }
    arguments->entry = entry_of(state, SLOT(arguments->table, state->keywords),
                                keywords == NULL ? state->no_names : keywords);
    if (arguments->entry == NULL) {
        goto not_ours;
    }
    PyObject *names = PyTuple_GET_ITEM(arguments->entry, 0);
    PyObject *defaults = PyTuple_GET_ITEM(arguments->entry, 1);
    int gives_signal = PyTuple_GET_ITEM(arguments->entry, 2) == Py_True;
    Py_ssize_t given = positional - 1 + (keywords == NULL ? 0 : PyTuple_GET_SIZE(keywords));
    Py_ssize_t fill = PyTuple_GET_SIZE(defaults);
    Py_ssize_t count = PyTuple_GET_SIZE(names);
    /* They differ if the sender is missing, or given twice. */
    if (given + fill + gives_signal != count || count > MOST) {
        goto not_ours;
    }
    PyObject **values = arguments->vector + 1;
    memcpy(values, args + 1, given * sizeof(PyObject *));
    for (Py_ssize_t i = 0; i < fill; i++) {
        values[given + i] = PyTuple_GET_ITEM(defaults, i);
    }
    if (gives_signal) {
        values[count - 1] = args[0];
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (PyTuple_GET_ITEM(names, i) == state->str_sender) {
            arguments->names = names;
            arguments->sender = values[i];
            return 1;
        }
    }
not_ours:
    release(arguments);
    return PyErr_Occurred() ? -1 : 0;
}

/* --- Routes ------------------------------------------------------------------------- */

/* Return whether the attribute that the guard of the table names still has its value, or -1
   with an error. */
static int
guard_holds(State *state, PyObject *table)
{
    PyObject *guard = SLOT(table, state->guard);
    if (guard == Py_None) {
        return 1;
    }
    if (!IS_TUPLE(guard) || PyTuple_GET_SIZE(guard) != 3) {
        return 0;
    }
    Py_INCREF(guard); /* reading the attribute may run code that replaces the guard */
    PyObject *value =
        PyObject_GetAttr(PyTuple_GET_ITEM(guard, 0), PyTuple_GET_ITEM(guard, 1));
    int holds = value == NULL ? -1 : value == PyTuple_GET_ITEM(guard, 2);
    Py_XDECREF(value);
    Py_DECREF(guard);
    return holds;
}

/* Return the route of a bucket: a new reference; NULL without an error if Python has to
   find it. */
static PyObject *
route_in(State *state, PyObject *bucket)
{
    PyObject *route = IS_A(bucket, state->bucket_type) ? SLOT(bucket, state->route) : NULL;
    return IS_A(route, state->route_type) ? Py_NewRef(route) : NULL;
}

/* Return the route of the sender's bucket or, if it has none, of the bucket of any sender: a
   new reference; NULL as above, or with an error. */
static PyObject *
route_among(State *state, PyObject *table, PyObject *buckets, PyObject *sender)
{
    if (PyUnicode_Check(sender) || PyLong_Check(sender) || PyBytes_Check(sender)) {
        return NULL;
    }
    PyObject *key = PyLong_FromVoidPtr(sender);
    if (key == NULL) {
        return NULL;
    }
    PyObject *route = NULL;
    Py_INCREF(buckets); /* comparing a foreign key may run Python code */
    PyObject *bucket = PyDict_GetItemWithError(buckets, key);
    if (bucket != NULL) {
        route = route_in(state, bucket);
    }
    else if (!PyErr_Occurred()) {
        PyObject *subclass_registrations = SLOT(table, state->subclass_registrations);
        int has_none = subclass_registrations != NULL && PySet_Check(subclass_registrations)
                       && !PySet_GET_SIZE(subclass_registrations);
        if (has_none || !PyType_Check(sender)) {
            route = route_in(state, SLOT(table, state->any_sender));
        }
    }
    Py_DECREF(key);
    Py_DECREF(buckets);
    return route;
}

/* Return the route of a sender: a new reference. NULL with an error, or without one if
   Table.find_route, which is called for all but the simplest, returns another object. */
static PyObject *
find_route(State *state, PyObject *table, PyObject *sender)
{
    PyObject *route = NULL;
    int is_guarded = guard_holds(state, table);
    PyObject *buckets = SLOT(table, state->buckets);
    if (is_guarded > 0 && buckets != NULL && PyDict_Check(buckets)) {
        route = PyDict_GET_SIZE(buckets) ? route_among(state, table, buckets, sender)
                                         : route_in(state, SLOT(table, state->any_sender));
    }
    if (route != NULL || PyErr_Occurred()) {
        return route;
    }
    route = PyObject_CallMethodOneArg(table, state->str_find_route, sender);
    if (route != NULL && !PyObject_TypeCheck(route, state->route_type)) {
        Py_CLEAR(route);
    }
    return route;
}

/* Call Registration.live: a new reference to the receiver; NULL without an error if it has
   died. */
static PyObject *
live_in_python(State *state, PyObject *registration)
{
    PyObject *receiver = PyObject_CallMethodNoArgs(registration, state->str_live);
    if (receiver == Py_None) {
        Py_CLEAR(receiver);
    }
    return receiver;
}

/* As live_in_python, without a call where the slots hold what they should. */
static PyObject *
live(State *state, PyObject *registration)
{
    if (!PyObject_TypeCheck(registration, state->registration_type)) {
        return live_in_python(state, registration);
    }
    PyObject *reference = SLOT(registration, state->reference);
    PyObject *function = SLOT(registration, state->function);
    if (reference == Py_None) {
        PyObject *receiver = SLOT(registration, state->receiver);
        return receiver == NULL || receiver == Py_None ? live_in_python(state, registration)
                                                       : Py_NewRef(receiver);
    }
    if (reference == NULL || !PyWeakref_Check(reference) || function == NULL) {
        return live_in_python(state, registration);
    }
    PyObject *holder;
#if PY_VERSION_HEX >= 0x030D0000
    if (PyWeakref_GetRef(reference, &holder) <= 0) {
        return NULL;
    }
#else
    holder = PyWeakref_GetObject(reference);
    if (holder == Py_None) {
        return NULL;
    }
    Py_INCREF(holder);
#endif
    if (function == Py_None) {
        return holder;
    }
    PyObject *method = PyMethod_New(function, holder);
    Py_DECREF(holder);
    return method;
}

/* Return the live receivers of a simple route: a new tuple, so that none dies during the
   send. NULL without an error for another route. */
static PyObject *
receivers_of(State *state, PyObject *route)
{
    PyObject *strong_receivers = SLOT(route, state->strong_receivers);
    if (IS_TUPLE(strong_receivers)) {
        return Py_NewRef(strong_receivers);
    }
    PyObject *registrations = SLOT(route, state->registrations);
    if (strong_receivers != Py_None || SLOT(route, state->is_simple) != Py_True
        || !IS_TUPLE(registrations)) {
        return NULL;
    }
    Py_ssize_t count = PyTuple_GET_SIZE(registrations), alive = 0;
    PyObject *receivers = PyTuple_New(count);
    if (receivers == NULL) {
        return NULL;
    }
    Py_INCREF(registrations);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *receiver = live(state, PyTuple_GET_ITEM(registrations, i));
        if (receiver != NULL) {
            PyTuple_SET_ITEM(receivers, alive++, receiver);
        }
        else if (PyErr_Occurred()) {
            Py_CLEAR(receivers);
            break;
        }
    }
    Py_DECREF(registrations);
    if (receivers != NULL && alive < count) {
        _PyTuple_Resize(&receivers, alive);
    }
    return receivers;
}
