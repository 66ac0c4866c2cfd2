// MPI 5.0's standard binary interface over Open MPI 4, for tests: the handles are the standard's (chapter "Application
// Binary Interface"), and any other one is an error.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void *library;

static void *symbol(const char *name) {
	if (!library && !(library = dlopen("libmpi.so.40", RTLD_NOW | RTLD_GLOBAL))) {
		fprintf(stderr, "%s\n", dlerror());
		exit(9);
	}
	void *s = dlsym(library, name);
	if (!s) {
		fprintf(stderr, "%s\n", dlerror());
		exit(9);
	}
	return s;
}

static void *handle(uintptr_t h) {
	switch (h) {
	case 0x101: return symbol("ompi_mpi_comm_world");
	case 0x210: return symbol("ompi_mpi_float");
	case 0x247: return symbol("ompi_mpi_byte");
	case 0x021: return symbol("ompi_mpi_op_sum");
	case 0x142: return symbol("ompi_mpi_errors_return");
	}
	fprintf(stderr, "handle %#lx is not of the standard's that are used here\n", (unsigned long)h);
	exit(9);
}

int MPI_Init_thread(int *argc, char ***argv, int required, int *provided) {
	if (required != 1024) { // MPI_THREAD_FUNNELED
		fprintf(stderr, "thread level %d\n", required);
		exit(9);
	}
	int (*f)(int *, char ***, int, int *) = symbol("MPI_Init_thread");
	int code = f(argc, argv, 1, provided);
	*provided *= 1024;
	return code;
}

int MPI_Get_library_version(char *text, int *length) {
	*length = snprintf(text, 8192, "A library of the standard interface\n");
	return 0;
}

int MPI_Comm_rank(uintptr_t c, int *n) { return ((int (*)(void *, int *))symbol("MPI_Comm_rank"))(handle(c), n); }

int MPI_Comm_size(uintptr_t c, int *n) { return ((int (*)(void *, int *))symbol("MPI_Comm_size"))(handle(c), n); }

int MPI_Comm_set_errhandler(uintptr_t c, uintptr_t h) {
	return ((int (*)(void *, void *))symbol("MPI_Comm_set_errhandler"))(handle(c), handle(h));
}

int MPI_Allreduce(void *send, void *receive, int n, uintptr_t kind, uintptr_t op, uintptr_t c) {
	return ((int (*)(void *, void *, int, void *, void *, void *))symbol("MPI_Allreduce"))(send, receive, n, handle(kind), handle(op), handle(c));
}

typedef int (*collective)(void *, int, void *, void *, int, void *, void *);

int MPI_Allgather(void *send, int n, uintptr_t kind, void *receive, int m, uintptr_t kind2, uintptr_t c) {
	return ((collective)symbol("MPI_Allgather"))(send, n, handle(kind), receive, m, handle(kind2), handle(c));
}

int MPI_Alltoall(void *send, int n, uintptr_t kind, void *receive, int m, uintptr_t kind2, uintptr_t c) {
	return ((collective)symbol("MPI_Alltoall"))(send, n, handle(kind), receive, m, handle(kind2), handle(c));
}

int MPI_Bcast(void *data, int n, uintptr_t kind, int root, uintptr_t c) {
	return ((int (*)(void *, int, void *, int, void *))symbol("MPI_Bcast"))(data, n, handle(kind), root, handle(c));
}

int MPI_Barrier(uintptr_t c) { return ((int (*)(void *))symbol("MPI_Barrier"))(handle(c)); }

int MPI_Error_string(int code, char *text, int *length) {
	return ((int (*)(int, char *, int *))symbol("MPI_Error_string"))(code, text, length);
}

int MPI_Abort(uintptr_t c, int code) { return ((int (*)(void *, int))symbol("MPI_Abort"))(handle(c), code); }

int MPI_Finalize(void) { return ((int (*)(void))symbol("MPI_Finalize"))(); }
