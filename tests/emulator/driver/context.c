/* Devices, their attributes (those of an H100), and contexts. */
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct CUctx_st primaries[MAX_DEVICES];
static __thread CUcontext stack[64];
static __thread int depth;

#define KIB 1024
static const struct { int attribute, value; } attributes[] = {
    {CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, 1024},
    {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X, 1024},
    {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y, 1024},
    {CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z, 64},
    {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X, 0x7fffffff},
    {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y, 65535},
    {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z, 65535},
    {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK, 48 * KIB},
    {CU_DEVICE_ATTRIBUTE_TOTAL_CONSTANT_MEMORY, 64 * KIB},
    {CU_DEVICE_ATTRIBUTE_WARP_SIZE, 32},
    {CU_DEVICE_ATTRIBUTE_MAX_PITCH, 0x7fffffff},
    {CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK, 65536},
    {CU_DEVICE_ATTRIBUTE_CLOCK_RATE, 1980000},
    {CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT, 512},
    {CU_DEVICE_ATTRIBUTE_GPU_OVERLAP, 1},
    {CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 132},
    {CU_DEVICE_ATTRIBUTE_CAN_MAP_HOST_MEMORY, 1},
    {CU_DEVICE_ATTRIBUTE_SURFACE_ALIGNMENT, 512},
    {CU_DEVICE_ATTRIBUTE_CONCURRENT_KERNELS, 1},
    {CU_DEVICE_ATTRIBUTE_ECC_ENABLED, 1},
    {CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE, 2619000},
    {CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH, 5120},
    {CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE, 50 * KIB * KIB},
    {CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR, 2048},
    {CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT, 3},
    {CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING, 1},
    {CU_DEVICE_ATTRIBUTE_TEXTURE_PITCH_ALIGNMENT, 32},
    {CU_DEVICE_ATTRIBUTE_STREAM_PRIORITIES_SUPPORTED, 1},
    {CU_DEVICE_ATTRIBUTE_GLOBAL_L1_CACHE_SUPPORTED, 1},
    {CU_DEVICE_ATTRIBUTE_LOCAL_L1_CACHE_SUPPORTED, 1},
    {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR, 228 * KIB},
    {CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR, 65536},
    {CU_DEVICE_ATTRIBUTE_SINGLE_TO_DOUBLE_PRECISION_PERF_RATIO, 2},
    {CU_DEVICE_ATTRIBUTE_COMPUTE_PREEMPTION_SUPPORTED, 1},
    {CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH, 0},
    {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, 227 * KIB},
    {CU_DEVICE_ATTRIBUTE_MAX_BLOCKS_PER_MULTIPROCESSOR, 32},
    {CU_DEVICE_ATTRIBUTE_RESERVED_SHARED_MEMORY_PER_BLOCK, 1 * KIB},
    {CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED, 0},
};

long setting(const char *name, long otherwise) {
    const char *text = getenv(name);
    return text && *text ? atol(text) : otherwise;
}

/* How many GPUs the process sees: those that CUDA_VISIBLE_DEVICES names, up to the first that is not there. */
int device_count(void) {
    int count = setting("EMULATED_GPUS", 1), seen = 0;
    count = count < 0 ? 0 : count > MAX_DEVICES ? MAX_DEVICES : count;
    const char *names = getenv("CUDA_VISIBLE_DEVICES");
    if (!names) return count;
    for (char *end;; names = end + 1) {
        long number = strtol(names, &end, 10);
        if (end == names || number < 0 || number >= count) return seen;
        seen++;
        if (*end != ',') return seen;
    }
}

static int is_device(int device) { return device >= 0 && device < device_count(); }

CUresult cuDeviceGetCount(int *count) { return *count = device_count(), CUDA_SUCCESS; }

CUresult cuDeviceGet(CUdevice *device, int number) {
    return is_device(number) ? (*device = number, CUDA_SUCCESS) : CUDA_ERROR_INVALID_DEVICE;
}

CUresult cuDeviceGetName(char *name, int length, CUdevice device) {
    if (!is_device(device)) return CUDA_ERROR_INVALID_DEVICE;
    snprintf(name, length, "Emulated H100");
    return CUDA_SUCCESS;
}

CUresult cuDeviceGetUuid(CUuuid *uuid, CUdevice device) {
    if (!is_device(device)) return CUDA_ERROR_INVALID_DEVICE;
    memset(uuid, 0xE0 + device, sizeof *uuid);
    return CUDA_SUCCESS;
}
CUresult cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice device) { return cuDeviceGetUuid(uuid, device); }

#define TOTAL ((size_t)setting("EMULATED_GPU_MIB", 80 << 10) << 20)
CUresult cuDeviceTotalMem(size_t *bytes, CUdevice device) {
    return is_device(device) ? (*bytes = TOTAL, CUDA_SUCCESS) : CUDA_ERROR_INVALID_DEVICE;
}

/* The host has to give what the GPU seems to have. */
CUresult cuMemGetInfo(size_t *left, size_t *total) {
    CUresult result = usable();
    if (result) return result;
    size_t mine = TOTAL < allocated(current()->device) ? 0 : TOTAL - allocated(current()->device), host = 0;
    FILE *file = fopen("/proc/meminfo", "r");
    char line[256];
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %zu", &host) == 1) host *= KIB;
    if (file) fclose(file);
    *left = host && host < mine ? host : mine;
    *total = TOTAL;
    return CUDA_SUCCESS;
}

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device) {
    if (!is_device(device)) return CUDA_ERROR_INVALID_DEVICE;
    if (attribute <= 0 || attribute >= CU_DEVICE_ATTRIBUTE_MAX) return CUDA_ERROR_INVALID_VALUE;
    *value = attribute == CU_DEVICE_ATTRIBUTE_PCI_BUS_ID ? device + 1 : 0;
    for (unsigned k = 0; k < sizeof attributes / sizeof *attributes; k++)
        if (attributes[k].attribute == (int)attribute) *value = attributes[k].value;
    int capability = setting("EMULATED_GPU_CAPABILITY", 90);
    if (attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) *value = capability / 10;
    if (attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR) *value = capability % 10;
    return CUDA_SUCCESS;
}

CUresult cuDeviceGetPCIBusId(char *text, int length, CUdevice device) {
    if (!is_device(device)) return CUDA_ERROR_INVALID_DEVICE;
    snprintf(text, length, "0000:%02X:00.0", device + 1);
    return CUDA_SUCCESS;
}

CUresult cuDeviceCanAccessPeer(int *can, CUdevice device, CUdevice other) {
    return is_device(device) && is_device(other) ? (*can = 0, CUDA_SUCCESS) : CUDA_ERROR_INVALID_DEVICE;
}

CUcontext primary(int device) {
    primaries[device].device = device;
    return &primaries[device];
}

CUcontext current(void) { return depth ? stack[depth - 1] : NULL; }

CUresult usable(void) {
    if (forked()) return CUDA_ERROR_NOT_INITIALIZED;
    CUcontext context = current();
    return !context ? CUDA_ERROR_INVALID_CONTEXT : context->broken;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
    GUARD;
    if (!is_device(device)) return CUDA_ERROR_INVALID_DEVICE;
    *context = primary(device);
    (*context)->uses++;
    return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRelease(CUdevice device) {
    GUARD;
    if (!is_device(device)) return CUDA_ERROR_INVALID_DEVICE;
    if (!primary(device)->uses) return CUDA_ERROR_INVALID_CONTEXT;
    primary(device)->uses--;
    return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxGetState(CUdevice device, unsigned *flags, int *active) {
    if (!is_device(device)) return CUDA_ERROR_INVALID_DEVICE;
    *flags = primary(device)->flags;
    *active = primary(device)->uses > 0;
    return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxSetFlags(CUdevice device, unsigned flags) {
    return is_device(device) ? (primary(device)->flags = flags, CUDA_SUCCESS) : CUDA_ERROR_INVALID_DEVICE;
}

CUresult cuCtxGetCurrent(CUcontext *context) { return *context = current(), CUDA_SUCCESS; }

CUresult cuCtxSetCurrent(CUcontext context) {
    if (!context) return depth = depth ? depth - 1 : 0, CUDA_SUCCESS;
    if (!depth) depth = 1;
    stack[depth - 1] = context;
    return CUDA_SUCCESS;
}

CUresult cuCtxPushCurrent(CUcontext context) {
    if (!context) return CUDA_ERROR_INVALID_CONTEXT;
    if (depth == sizeof stack / sizeof *stack) return CUDA_ERROR_OUT_OF_MEMORY;
    stack[depth++] = context;
    return CUDA_SUCCESS;
}

CUresult cuCtxPopCurrent(CUcontext *context) {
    if (!depth) return CUDA_ERROR_INVALID_CONTEXT;
    depth--;
    if (context) *context = stack[depth];
    return CUDA_SUCCESS;
}

CUresult cuCtxGetDevice(CUdevice *device) {
    return current() ? (*device = current()->device, CUDA_SUCCESS) : CUDA_ERROR_INVALID_CONTEXT;
}

CUresult cuCtxGetFlags(unsigned *flags) {
    return current() ? (*flags = current()->flags, CUDA_SUCCESS) : CUDA_ERROR_INVALID_CONTEXT;
}

CUresult cuCtxGetApiVersion(CUcontext context, unsigned *version) {
    (void)context;
    return *version = 3020, CUDA_SUCCESS;
}

CUresult cuCtxGetStreamPriorityRange(int *least, int *greatest) {
    if (least) *least = 0;
    if (greatest) *greatest = -5;
    return CUDA_SUCCESS;
}

CUresult cuCtxGetLimit(size_t *value, CUlimit limit) {
    *value = limit == CU_LIMIT_STACK_SIZE ? 1024 : limit == CU_LIMIT_MALLOC_HEAP_SIZE ? 8 << 20 : 1 << 20;
    return CUDA_SUCCESS;
}

CUresult cuCtxSynchronize(void) {
    GUARD;
    CUresult result = usable();
    return result ? result : may_wait(current());
}
