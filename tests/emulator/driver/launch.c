/* Kernels: their attributes, and their launch, which is checked as a real driver checks it. */
#include "driver.h"

#include <stdlib.h>
#include <string.h>

#define MAX_SHARED (227 << 10)

struct launch {
    CUfunction function;
    unsigned grid[3], block[3], dynamic_shared;
    int device;
    unsigned char values[]; /* of all parameters, each at a multiple of 16 bytes */
};

static size_t rounded(size_t bytes) { return (bytes + 15) / 16 * 16; }

static int launching;
static int owned(const void *address, unsigned long bytes) { return owns_on(address, bytes, launching); }

static CUresult run_launch(void *data) {
    static long runs;
    struct launch *launch = data;
    CUfunction function = launch->function;
    if (++runs == setting("EMULATED_GPU_FAILS", 0)) return CUDA_ERROR_LAUNCH_FAILED;
    if (function->module->unloaded) {
        tell("the kernel %s is launched after its module was unloaded", function->name);
        return CUDA_ERROR_ILLEGAL_ADDRESS;
    }
    const struct emulated_kernel *kernel = function->kernel;
    void **parameters = malloc((kernel->parameters + 1) * sizeof *parameters);
    unsigned char *at = launch->values;
    for (unsigned k = 0; k < kernel->parameters; k++) parameters[k] = at, at += rounded(kernel->sizes[k]);
    char report[512] = "";
    launching = launch->device;
    int result = kernel->run(parameters, launch->grid, launch->block, launch->dynamic_shared, owned, report);
    free(parameters);
    if (result) tell("%s", *report ? report : function->name);
    return result;
}

static CUresult checked(CUfunction f, const struct launch *l) {
    unsigned long threads = (unsigned long)l->block[0] * l->block[1] * l->block[2];
    const struct emulated_kernel *kernel = f->kernel;
    if (!l->grid[0] || !l->grid[1] || !l->grid[2] || !threads) return CUDA_ERROR_INVALID_VALUE;
    if (l->grid[0] > 0x7fffffff || l->grid[1] > 65535 || l->grid[2] > 65535) return CUDA_ERROR_INVALID_VALUE;
    if (l->block[0] > 1024 || l->block[1] > 1024 || l->block[2] > 64 || threads > 1024) return CUDA_ERROR_INVALID_VALUE;
    if (threads > kernel->max_threads) return CUDA_ERROR_INVALID_VALUE;
    if (kernel->shared_bytes + l->dynamic_shared > (unsigned)f->dynamic_shared) return CUDA_ERROR_INVALID_VALUE;
    return CUDA_SUCCESS;
}

CUresult cuLaunchKernel(CUfunction function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                        unsigned shared, CUstream stream, void **parameters, void **extra) {
    GUARD;
    CUresult result = usable();
    if (result) return result;
    if (!function || function->module->unloaded) return CUDA_ERROR_INVALID_HANDLE;
    CUcontext context, own = function->module->context;
    if ((result = stream_context(stream, &context))) return result;
    if (own && own != context) return CUDA_ERROR_INVALID_HANDLE;
    if (!function->kernel) {
        tell("the kernel %s is machine code, which cannot run here", function->name);
        return CUDA_ERROR_NO_BINARY_FOR_GPU;
    }
    if (extra) return CUDA_ERROR_NOT_SUPPORTED;
    const struct emulated_kernel *kernel = function->kernel;
    size_t bytes = sizeof(struct launch);
    for (unsigned k = 0; k < kernel->parameters; k++) bytes += rounded(kernel->sizes[k]);
    struct launch *launch = calloc(1, bytes);
    *launch = (struct launch){function, {gx, gy, gz}, {bx, by, bz}, shared, context->device};
    unsigned char *at = launch->values;
    for (unsigned k = 0; k < kernel->parameters; k++) {
        memcpy(at, parameters[k], kernel->sizes[k]);
        at += rounded(kernel->sizes[k]);
    }
    result = checked(function, launch);
    struct work work = {run_launch, launch, bytes, CU_GRAPH_NODE_TYPE_KERNEL};
    if (!result) result = put(stream, &work);
    free(launch);
    return result;
}

CUresult cuLaunchKernelEx(const CUlaunchConfig *c, CUfunction function, void **parameters, void **extra) {
    for (unsigned k = 0; k < c->numAttrs; k++)
        if (c->attrs[k].id == CU_LAUNCH_ATTRIBUTE_COOPERATIVE && c->attrs[k].value.cooperative) return CUDA_ERROR_NOT_SUPPORTED;
    return cuLaunchKernel(function, c->gridDimX, c->gridDimY, c->gridDimZ, c->blockDimX, c->blockDimY, c->blockDimZ,
                          c->sharedMemBytes, c->hStream, parameters, extra);
}

CUresult cuFuncGetAttribute(int *value, CUfunction_attribute attribute, CUfunction function) {
    GUARD;
    const struct emulated_kernel *kernel = function->kernel;
    switch (attribute) {
    case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK: *value = kernel ? (int)kernel->max_threads : 1024; break;
    case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES: *value = kernel ? (int)kernel->shared_bytes : 0; break;
    case CU_FUNC_ATTRIBUTE_NUM_REGS: *value = 32; break;
    case CU_FUNC_ATTRIBUTE_PTX_VERSION:
    case CU_FUNC_ATTRIBUTE_BINARY_VERSION: *value = 90; break;
    case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
        *value = function->dynamic_shared - (kernel ? (int)kernel->shared_bytes : 0);
        break;
    case CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT: *value = -1; break;
    default: *value = 0;
    }
    return CUDA_SUCCESS;
}

CUresult cuFuncSetAttribute(CUfunction function, CUfunction_attribute attribute, int value) {
    GUARD;
    if (attribute == CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT) return CUDA_SUCCESS;
    if (attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES) return CUDA_ERROR_INVALID_VALUE;
    int whole = value + (function->kernel ? (int)function->kernel->shared_bytes : 0);
    if (value < 0 || whole > MAX_SHARED) return CUDA_ERROR_INVALID_VALUE;
    function->dynamic_shared = whole;
    return CUDA_SUCCESS;
}

CUresult cuFuncSetCacheConfig(CUfunction function, CUfunc_cache config) {
    (void)function, (void)config;
    return CUDA_SUCCESS;
}
CUresult cuFuncGetName(const char **name, CUfunction function) { return *name = function->name, CUDA_SUCCESS; }
CUresult cuFuncGetModule(CUmodule *module, CUfunction function) { return *module = function->module, CUDA_SUCCESS; }
CUresult cuKernelGetName(const char **name, CUkernel kernel) { return cuFuncGetName(name, (CUfunction)kernel); }
CUresult cuKernelGetAttribute(int *value, CUfunction_attribute attribute, CUkernel kernel, CUdevice device) {
    (void)device;
    return cuFuncGetAttribute(value, attribute, (CUfunction)kernel);
}
CUresult cuKernelSetAttribute(CUfunction_attribute attribute, int value, CUkernel kernel, CUdevice device) {
    (void)device;
    return cuFuncSetAttribute((CUfunction)kernel, attribute, value);
}

CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, CUfunction function, int threads, size_t shared) {
    if (threads <= 0) return CUDA_ERROR_INVALID_VALUE;
    size_t whole = shared + (function->kernel ? function->kernel->shared_bytes : 0);
    int by_threads = 2048 / threads, by_shared = whole ? (int)((228u << 10) / (whole + 1024)) : 32;
    *blocks = by_threads < by_shared ? by_threads : by_shared;
    if (*blocks > 32) *blocks = 32;
    return CUDA_SUCCESS;
}
CUresult cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, CUfunction function, int threads, size_t shared,
                                                              unsigned flags) {
    (void)flags;
    return cuOccupancyMaxActiveBlocksPerMultiprocessor(blocks, function, threads, shared);
}
CUresult cuOccupancyMaxPotentialBlockSize(int *grid, int *block, CUfunction function, CUoccupancyB2DSize size, size_t shared,
                                          int limit) {
    (void)size, (void)shared;
    *block = function->kernel ? (int)function->kernel->max_threads : 1024;
    if (limit > 0 && limit < *block) *block = limit;
    *grid = 132 * (2048 / *block);
    return CUDA_SUCCESS;
}
