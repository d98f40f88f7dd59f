/* Copies and fills, each a piece of work of a stream. What belongs to a GPU is looked up in the table of what is alive; the
   host's side is read and written when the work runs, as in a captured copy from memory that is not pinned. */
#include "driver.h"

#include <string.h>

enum { HOST, DEVICE, EITHER };

struct copy {
    char *to;
    const char *from;
    int to_kind, from_kind;
    size_t width, rows, to_pitch, from_pitch;
};

static int lies(const void *at, int kind, const struct copy *c, size_t pitch) {
    return kind != DEVICE || owns(at, (c->rows - 1) * pitch + c->width);
}

static int sound(const struct copy *c) {
    return lies(c->to, c->to_kind, c, c->to_pitch) && lies(c->from, c->from_kind, c, c->from_pitch);
}

static CUresult run_copy(void *data) {
    const struct copy *c = data;
    if (!sound(c)) {
        tell("a copy of %zu bytes from %p to %p leaves its memory", c->width * c->rows, (void *)c->from, (void *)c->to);
        return CUDA_ERROR_ILLEGAL_ADDRESS;
    }
    for (size_t k = 0; k < c->rows; k++) memmove(c->to + k * c->to_pitch, c->from + k * c->from_pitch, c->width);
    return CUDA_SUCCESS;
}

static CUresult put_copy(CUstream stream, struct copy c, int waits) {
    GUARD;
    if (!c.width || !c.rows) return CUDA_SUCCESS;
    CUresult result = waits ? unsafe() : CUDA_SUCCESS;
    if (result) return result;
    if (!sound(&c)) return CUDA_ERROR_INVALID_VALUE;
    struct work work = {run_copy, &c, sizeof c, CU_GRAPH_NODE_TYPE_MEMCPY};
    result = put(stream, &work);
    /* Of memory that is not pinned the host waits for the copy. */
    int host = (c.to_kind != DEVICE && !owns(c.to, 1)) || (c.from_kind != DEVICE && !owns(c.from, 1));
    if (!result && (waits || (host && !capture_of(stream)))) result = finish(stream);
    return result;
}

static struct copy line(uint64_t to, int to_kind, uint64_t from, int from_kind, size_t bytes) {
    return (struct copy){(char *)to, (const char *)from, to_kind, from_kind, bytes, 1, bytes, bytes};
}

CUresult cuMemcpyHtoD(CUdeviceptr to, const void *from, size_t bytes) {
    return put_copy(NULL, line(to, DEVICE, (uint64_t)from, HOST, bytes), 1);
}
CUresult cuMemcpyDtoH(void *to, CUdeviceptr from, size_t bytes) {
    return put_copy(NULL, line((uint64_t)to, HOST, from, DEVICE, bytes), 1);
}
CUresult cuMemcpyDtoD(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
    return put_copy(NULL, line(to, DEVICE, from, DEVICE, bytes), 1);
}
CUresult cuMemcpy(CUdeviceptr to, CUdeviceptr from, size_t bytes) {
    return put_copy(NULL, line(to, EITHER, from, EITHER, bytes), 1);
}
CUresult cuMemcpyHtoDAsync(CUdeviceptr to, const void *from, size_t bytes, CUstream stream) {
    return put_copy(stream, line(to, DEVICE, (uint64_t)from, HOST, bytes), 0);
}
CUresult cuMemcpyDtoHAsync(void *to, CUdeviceptr from, size_t bytes, CUstream stream) {
    return put_copy(stream, line((uint64_t)to, HOST, from, DEVICE, bytes), 0);
}
CUresult cuMemcpyDtoDAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
    return put_copy(stream, line(to, DEVICE, from, DEVICE, bytes), 0);
}
CUresult cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
    return put_copy(stream, line(to, EITHER, from, EITHER, bytes), 0);
}
CUresult cuMemcpyPeer(CUdeviceptr to, CUcontext there, CUdeviceptr from, CUcontext here, size_t bytes) {
    (void)there, (void)here;
    return cuMemcpyDtoD(to, from, bytes);
}
CUresult cuMemcpyPeerAsync(CUdeviceptr to, CUcontext there, CUdeviceptr from, CUcontext here, size_t bytes, CUstream stream) {
    (void)there, (void)here;
    return cuMemcpyDtoDAsync(to, from, bytes, stream);
}

static int side(CUmemorytype type, const void *host, CUdeviceptr device, const char **at) {
    *at = type == CU_MEMORYTYPE_HOST ? host : (const char *)device;
    return type == CU_MEMORYTYPE_HOST ? HOST : type == CU_MEMORYTYPE_DEVICE ? DEVICE : EITHER;
}

static CUresult put_plane(const CUDA_MEMCPY2D *p, CUstream stream, int waits) {
    if (p->srcMemoryType == CU_MEMORYTYPE_ARRAY || p->dstMemoryType == CU_MEMORYTYPE_ARRAY) return CUDA_ERROR_NOT_SUPPORTED;
    struct copy c = {.width = p->WidthInBytes, .rows = p->Height, .to_pitch = p->dstPitch, .from_pitch = p->srcPitch};
    const char *to;
    c.from_kind = side(p->srcMemoryType, p->srcHost, p->srcDevice, &c.from);
    c.to_kind = side(p->dstMemoryType, p->dstHost, p->dstDevice, &to);
    c.from += p->srcY * p->srcPitch + p->srcXInBytes;
    c.to = (char *)to + p->dstY * p->dstPitch + p->dstXInBytes;
    return put_copy(stream, c, waits);
}
CUresult cuMemcpy2D(const CUDA_MEMCPY2D *plane) { return put_plane(plane, NULL, 1); }
CUresult cuMemcpy2DUnaligned(const CUDA_MEMCPY2D *plane) { return put_plane(plane, NULL, 1); }
CUresult cuMemcpy2DAsync(const CUDA_MEMCPY2D *plane, CUstream stream) { return put_plane(plane, stream, 0); }

struct fill {
    char *to;
    unsigned value, wide;
    size_t width, rows, pitch;
};

static CUresult run_fill(void *data) {
    const struct fill *f = data;
    if (!owns(f->to, (f->rows - 1) * f->pitch + f->width * f->wide)) {
        tell("a fill of %zu bytes at %p leaves its memory", f->width * f->wide * f->rows, (void *)f->to);
        return CUDA_ERROR_ILLEGAL_ADDRESS;
    }
    for (size_t row = 0; row < f->rows; row++)
        for (size_t k = 0; k < f->width; k++) memcpy(f->to + row * f->pitch + k * f->wide, &f->value, f->wide);
    return CUDA_SUCCESS;
}

static CUresult put_fill(CUstream stream, struct fill f) {
    GUARD;
    if (!f.width || !f.rows) return CUDA_SUCCESS;
    if (!owns(f.to, (f.rows - 1) * f.pitch + f.width * f.wide)) return CUDA_ERROR_INVALID_VALUE;
    struct work work = {run_fill, &f, sizeof f, CU_GRAPH_NODE_TYPE_MEMSET};
    return put(stream, &work);
}

#define FILL(name, type, wide) \
    CUresult cuMemset##name(CUdeviceptr to, type value, size_t count) { \
        return put_fill(NULL, (struct fill){(char *)to, value, wide, count, 1, 0}); \
    } \
    CUresult cuMemset##name##Async(CUdeviceptr to, type value, size_t count, CUstream stream) { \
        return put_fill(stream, (struct fill){(char *)to, value, wide, count, 1, 0}); \
    }
FILL(D8, unsigned char, 1)
FILL(D16, unsigned short, 2)
FILL(D32, unsigned, 4)

CUresult cuMemsetD2D8(CUdeviceptr to, size_t pitch, unsigned char value, size_t width, size_t rows) {
    return put_fill(NULL, (struct fill){(char *)to, value, 1, width, rows, pitch});
}
CUresult cuMemsetD2D8Async(CUdeviceptr to, size_t pitch, unsigned char value, size_t width, size_t rows, CUstream stream) {
    return put_fill(stream, (struct fill){(char *)to, value, 1, width, rows, pitch});
}
