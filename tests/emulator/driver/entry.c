/* How the driver is entered: its functions by name, its lock, names of errors, and what is not there. */
#define _GNU_SOURCE
#include "driver.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;

int enter(void) {
    pthread_mutex_lock(&lock);
    return 0;
}

void leave(int *guard) {
    (void)guard;
    pthread_mutex_unlock(&lock);
}

void tell(const char *format, ...) {
    va_list list;
    va_start(list, format);
    fputs("emulated GPU: ", stderr);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
    va_end(list);
}

static pid_t owner; /* who uses the GPUs; what it has forked cannot */
int forked(void) { return owner && owner != getpid(); }

CUresult cuInit(unsigned flags) {
    if (flags) return CUDA_ERROR_INVALID_VALUE;
    if (forked()) return CUDA_ERROR_NOT_INITIALIZED;
    owner = getpid();
    return device_count() ? CUDA_SUCCESS : CUDA_ERROR_NO_DEVICE;
}

CUresult cuDriverGetVersion(int *version) {
    if (!version) return CUDA_ERROR_INVALID_VALUE;
    *version = setting("EMULATED_GPU_CUDA", CUDA_VERSION);
    return CUDA_SUCCESS;
}

/* Functions that are not there: a place is given for each that is asked for, and one that is called says its name. */
static char *absent[0x200];
static unsigned absents;

int missing(unsigned number) {
    tell("%s is not there", absent[number]);
    return CUDA_ERROR_NOT_SUPPORTED;
}

#define ONE(n) static int missing_##n(void) { return missing(0x##n); }
#define NAME(n) missing_##n,
#define ROW(M, n) M(n##0) M(n##1) M(n##2) M(n##3) M(n##4) M(n##5) M(n##6) M(n##7) \
    M(n##8) M(n##9) M(n##a) M(n##b) M(n##c) M(n##d) M(n##e) M(n##f)
#define HALF(M, n) ROW(M, n##0) ROW(M, n##1) ROW(M, n##2) ROW(M, n##3) ROW(M, n##4) ROW(M, n##5) ROW(M, n##6) ROW(M, n##7) \
    ROW(M, n##8) ROW(M, n##9) ROW(M, n##a) ROW(M, n##b) ROW(M, n##c) ROW(M, n##d) ROW(M, n##e) ROW(M, n##f)
HALF(ONE, 0)
HALF(ONE, 1)
static int (*const places[0x200])(void) = {HALF(NAME, 0) HALF(NAME, 1)};

static void *place_of(const char *name, int version) {
    char text[128];
    snprintf(text, sizeof text, "%s (as of %d)", name, version);
    for (unsigned k = 0; k < absents; k++)
        if (!strcmp(absent[k], text)) return (void *)places[k];
    if (absents == 0x200) return NULL;
    absent[absents] = strdup(text);
    return (void *)places[absents++];
}

/* Forms of a function that differ in their arguments, by the version from which on each is given; others have one form here. */
static const struct { const char *name; int version; const char *symbol; } forms[] = {
    {"cuStreamBeginCapture", 10010, "cuStreamBeginCapture_v2"},
    {"cuStreamGetCaptureInfo", 12030, "cuStreamGetCaptureInfo_v3"},
    {"cuStreamGetCaptureInfo", 11030, "cuStreamGetCaptureInfo_v2"},
    {"cuStreamGetCaptureInfo", 10010, "cuStreamGetCaptureInfo"},
    {"cuGraphInstantiate", 12000, "cuGraphInstantiateWithFlags"},
    {"cuGraphInstantiate", 11000, ""},
    {"cuGraphGetEdges", 12030, ""},
    {"cuGetProcAddress", 12000, "cuGetProcAddress_v2"},
    {"cuGetProcAddress", 11030, "cuGetProcAddress"},
};

static void *symbol_of(const char *name, int version) {
    static void *self;
    if (!self) {
        Dl_info info;
        dladdr((void *)cuInit, &info);
        self = dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD);
    }
    int known = 0;
    for (unsigned k = 0; k < sizeof forms / sizeof *forms; k++)
        if (!strcmp(forms[k].name, name)) {
            known = 1;
            if (version >= forms[k].version) return *forms[k].symbol ? dlsym(self, forms[k].symbol) : NULL;
        }
    if (known) return NULL;
    char second[128];
    snprintf(second, sizeof second, "%s_v2", name);
    void *found = dlsym(self, second);
    return found ? found : dlsym(self, name);
}

CUresult cuGetProcAddress_v2(const char *name, void **function, int version, cuuint64_t flags,
                             CUdriverProcAddressQueryResult *status) {
    GUARD;
    (void)flags;
    if (!name || !function) return CUDA_ERROR_INVALID_VALUE;
    *function = symbol_of(name, version);
    if (!*function) *function = place_of(name, version);
    if (status) *status = *function ? CU_GET_PROC_ADDRESS_SUCCESS : CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND;
    return *function ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
}

#undef cuGetProcAddress
CUresult CUDAAPI cuGetProcAddress(const char *name, void **function, int version, cuuint64_t flags);
__attribute__((visibility("default"))) CUresult cuGetProcAddress(const char *name, void **function, int version,
                                                                 cuuint64_t flags) {
    return cuGetProcAddress_v2(name, function, version, flags, NULL);
}

/* Tables of functions without names or documents: there are none. NVRTC asks for one, and goes on without it. */
CUresult cuGetExportTable(const void **table, const CUuuid *id) {
    (void)id;
    return *table = NULL, CUDA_ERROR_INVALID_VALUE;
}

static const struct { CUresult number; const char *name, *text; } errors[] = {
#define ERROR(name, text) {name, #name, text}
    ERROR(CUDA_SUCCESS, "no error"),
    ERROR(CUDA_ERROR_INVALID_VALUE, "invalid argument"),
    ERROR(CUDA_ERROR_OUT_OF_MEMORY, "out of memory"),
    ERROR(CUDA_ERROR_NOT_INITIALIZED, "initialization error"),
    ERROR(CUDA_ERROR_DEINITIALIZED, "driver shutting down"),
    ERROR(CUDA_ERROR_NO_DEVICE, "no CUDA-capable device is detected"),
    ERROR(CUDA_ERROR_INVALID_DEVICE, "invalid device ordinal"),
    ERROR(CUDA_ERROR_INVALID_IMAGE, "device kernel image is invalid"),
    ERROR(CUDA_ERROR_INVALID_CONTEXT, "invalid device context"),
    ERROR(CUDA_ERROR_NO_BINARY_FOR_GPU, "no kernel image is available for execution on the device"),
    ERROR(CUDA_ERROR_INVALID_PTX, "a PTX JIT compilation failed"),
    ERROR(CUDA_ERROR_INVALID_HANDLE, "invalid resource handle"),
    ERROR(CUDA_ERROR_NOT_FOUND, "named symbol not found"),
    ERROR(CUDA_ERROR_NOT_READY, "device not ready"),
    ERROR(CUDA_ERROR_ILLEGAL_ADDRESS, "an illegal memory access was encountered"),
    ERROR(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, "too many resources requested for launch"),
    ERROR(CUDA_ERROR_PRIMARY_CONTEXT_ACTIVE, "cannot set while device is active in this process"),
    ERROR(CUDA_ERROR_CONTEXT_IS_DESTROYED, "context is destroyed"),
    ERROR(CUDA_ERROR_ASSERT, "device-side assert triggered"),
    ERROR(CUDA_ERROR_MISALIGNED_ADDRESS, "misaligned address"),
    ERROR(CUDA_ERROR_LAUNCH_FAILED, "unspecified launch failure"),
    ERROR(CUDA_ERROR_NOT_SUPPORTED, "operation not supported"),
    ERROR(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "operation not permitted when stream is capturing"),
    ERROR(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "operation failed due to a previous error during capture"),
    ERROR(CUDA_ERROR_STREAM_CAPTURE_MERGE, "operation would result in a merge of separate capture sequences"),
    ERROR(CUDA_ERROR_STREAM_CAPTURE_UNMATCHED, "capture was not ended in the same stream as it began"),
    ERROR(CUDA_ERROR_STREAM_CAPTURE_UNJOINED, "capturing stream has unjoined work"),
    ERROR(CUDA_ERROR_STREAM_CAPTURE_ISOLATION, "dependency created on uncaptured work in another stream"),
    ERROR(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, "operation would make the legacy stream depend on a capturing blocking stream"),
    ERROR(CUDA_ERROR_CAPTURED_EVENT, "operation not permitted on an event last recorded in a capturing stream"),
    ERROR(CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD, "attempt to terminate a thread-local capture sequence from another thread"),
    ERROR(CUDA_ERROR_UNKNOWN, "unknown error"),
#undef ERROR
};

CUresult cuGetErrorName(CUresult error, const char **text) {
    for (unsigned k = 0; k < sizeof errors / sizeof *errors; k++)
        if (errors[k].number == error) return *text = errors[k].name, CUDA_SUCCESS;
    return *text = NULL, CUDA_ERROR_INVALID_VALUE;
}

CUresult cuGetErrorString(CUresult error, const char **text) {
    for (unsigned k = 0; k < sizeof errors / sizeof *errors; k++)
        if (errors[k].number == error) return *text = errors[k].text, CUDA_SUCCESS;
    return *text = NULL, CUDA_ERROR_INVALID_VALUE;
}

