/* Memory: of the GPU and pinned, both the host's, with a table of what is alive. Fresh memory holds 0xFF, which is NaN as a
   float and -1 as an integer, so that what was never written shows. */
#include "driver.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 512 /* of a real cuMemAlloc */
#define PINNED -2

static struct allocation { char *start; size_t bytes; int device; } *all;
static unsigned count, room, last;

/* The place of the allocation that holds an address, or -1. */
static int find(const void *address) {
    const char *at = address;
    if (last < count && at >= all[last].start && at < all[last].start + all[last].bytes) return last;
    unsigned low = 0, high = count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (all[middle].start <= at) low = middle + 1;
        else high = middle;
    }
    if (!low || at >= all[low - 1].start + all[low - 1].bytes) return -1;
    return last = low - 1;
}

int device_of(const void *address) {
    int k = find(address);
    return k < 0 || all[k].device == PINNED ? -1 : all[k].device;
}

int owns_on(const void *address, unsigned long bytes, int device) {
    int k = find(address);
    if (k < 0 || (all[k].device != device && all[k].device != PINNED)) return 0;
    return bytes <= (size_t)(all[k].start + all[k].bytes - (const char *)address);
}

int owns(const void *address, unsigned long bytes) {
    return owns_on(address, bytes, device_of(address));
}

size_t allocated(int device) {
    size_t sum = 0;
    for (unsigned k = 0; k < count; k++)
        if (all[k].device == device) sum += all[k].bytes;
    return sum;
}

void note_allocation(void *start, size_t bytes, int device) {
    if (find(start) >= 0) return;
    if (count == room) all = realloc(all, (room = room ? 2 * room : 256) * sizeof *all);
    unsigned at = count++;
    for (; at && all[at - 1].start > (char *)start; at--) all[at] = all[at - 1];
    all[at] = (struct allocation){start, bytes, device};
}

static CUresult allocate(void **start, size_t bytes, int device) {
    if (!bytes || !start) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = usable();
    if (!result) result = unsafe();
    if (result) return result;
    size_t left, total;
    cuMemGetInfo(&left, &total);
    if (bytes > left) return CUDA_ERROR_OUT_OF_MEMORY;
    *start = aligned_alloc(ALIGNMENT, (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    if (!*start) return CUDA_ERROR_OUT_OF_MEMORY;
    memset(*start, 0xFF, bytes);
    note_allocation(*start, bytes, device);
    return CUDA_SUCCESS;
}

static CUresult release(void *start, int pinned) {
    if (!start) return CUDA_SUCCESS;
    CUresult result = usable();
    if (!result) result = unsafe();
    if (result) return result;
    int k = find(start);
    if (k < 0 || all[k].start != start || (all[k].device == PINNED) != pinned) return CUDA_ERROR_INVALID_VALUE;
    finish_all(); /* freeing waits for all that runs */
    memset(start, 0xFF, all[k].bytes);
    free(start);
    memmove(all + k, all + k + 1, (--count - k) * sizeof *all);
    return CUDA_SUCCESS;
}

CUresult cuMemAlloc(CUdeviceptr *start, size_t bytes) {
    GUARD;
    return current() ? allocate((void **)start, bytes, current()->device) : CUDA_ERROR_INVALID_CONTEXT;
}

CUresult cuMemFree(CUdeviceptr start) {
    GUARD;
    return release((void *)start, 0);
}

CUresult cuMemHostAlloc(void **start, size_t bytes, unsigned flags) {
    GUARD;
    (void)flags;
    return allocate(start, bytes, PINNED);
}

CUresult cuMemAllocHost(void **start, size_t bytes) { return cuMemHostAlloc(start, bytes, 0); }

CUresult cuMemFreeHost(void *start) {
    GUARD;
    return release(start, 1);
}

CUresult cuMemHostGetDevicePointer(CUdeviceptr *address, void *host, unsigned flags) {
    GUARD;
    int k = flags ? -1 : find(host);
    if (k < 0 || all[k].device != PINNED) return CUDA_ERROR_INVALID_VALUE;
    *address = (CUdeviceptr)host;
    return CUDA_SUCCESS;
}

CUresult cuMemGetAddressRange(CUdeviceptr *start, size_t *bytes, CUdeviceptr address) {
    GUARD;
    int k = find((void *)address);
    if (k < 0) return CUDA_ERROR_NOT_FOUND;
    if (start) *start = (CUdeviceptr)all[k].start;
    if (bytes) *bytes = all[k].bytes;
    return CUDA_SUCCESS;
}

CUresult cuPointerGetAttribute(void *value, CUpointer_attribute attribute, CUdeviceptr address) {
    GUARD;
    int k = find((void *)address);
    int pinned = k >= 0 && all[k].device == PINNED;
    switch (attribute) {
    case CU_POINTER_ATTRIBUTE_CONTEXT:
        *(CUcontext *)value = k < 0 ? NULL : pinned ? primary(0) : primary(all[k].device);
        break;
    case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
        *(unsigned *)value = k < 0 ? 0 : pinned ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE;
        break;
    case CU_POINTER_ATTRIBUTE_DEVICE_POINTER: *(CUdeviceptr *)value = k < 0 ? 0 : address; break;
    case CU_POINTER_ATTRIBUTE_HOST_POINTER: *(void **)value = pinned ? (void *)address : NULL; break;
    case CU_POINTER_ATTRIBUTE_IS_MANAGED: *(unsigned *)value = 0; break;
    case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL: *(int *)value = k < 0 ? -2 : pinned ? 0 : all[k].device; break;
    case CU_POINTER_ATTRIBUTE_RANGE_START_ADDR: *(void **)value = k < 0 ? NULL : all[k].start; break;
    case CU_POINTER_ATTRIBUTE_RANGE_SIZE: *(size_t *)value = k < 0 ? 0 : all[k].bytes; break;
    case CU_POINTER_ATTRIBUTE_MAPPED: *(unsigned *)value = k >= 0; break;
    default: return CUDA_ERROR_NOT_SUPPORTED;
    }
    return k < 0 ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
}

CUresult cuPointerGetAttributes(unsigned wanted, CUpointer_attribute *attributes, void **values, CUdeviceptr address) {
    for (unsigned k = 0; k < wanted; k++)
        if (cuPointerGetAttribute(values[k], attributes[k], address) == CUDA_ERROR_NOT_SUPPORTED)
            return CUDA_ERROR_NOT_SUPPORTED;
    return CUDA_SUCCESS;
}
