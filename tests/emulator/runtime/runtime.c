/* What CuPy calls of the CUDA runtime, written on the driver's own functions: a device for each thread, the first use of
   which makes its primary context current. Errors have the driver's numbers, as since CUDA 10. */
#include <cuda.h>
#include <cuda_runtime_api.h>
#include <string.h>

static __thread int chosen;
static __thread cudaError_t last_error;

static cudaError_t told(CUresult result) {
    if (result && result != CUDA_ERROR_NOT_READY) last_error = (cudaError_t)result;
    return (cudaError_t)result;
}

static CUresult take(int device) {
    static CUcontext contexts[16];
    CUdevice number;
    CUresult result = cuInit(0);
    if (!result) result = cuDeviceGet(&number, device);
    if (!result && !contexts[device]) result = cuDevicePrimaryCtxRetain(&contexts[device], number);
    if (!result) result = cuCtxSetCurrent(contexts[device]);
    if (!result) chosen = device;
    return result;
}

static CUresult ready(void) {
    CUcontext context = NULL;
    cuCtxGetCurrent(&context);
    return context ? CUDA_SUCCESS : take(chosen);
}

/* A call of the driver in the thread's context. */
#define CALL(call) do { CUresult result_ = ready(); if (!result_) result_ = (call); return told(result_); } while (0)
#define D(pointer) ((CUdeviceptr)(uintptr_t)(pointer))

const char *cudaGetErrorName(cudaError_t error) {
    const char *text = NULL;
    cuGetErrorName((CUresult)error, &text);
    if (!text) return "cudaErrorUnknown";
    /* The runtime's own names of the most common; others are told by the driver's. */
    switch ((int)error) {
    case cudaErrorInvalidValue: return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation: return "cudaErrorMemoryAllocation";
    case cudaErrorNoDevice: return "cudaErrorNoDevice";
    case cudaErrorInvalidDevice: return "cudaErrorInvalidDevice";
    case cudaErrorInvalidResourceHandle: return "cudaErrorInvalidResourceHandle";
    case cudaErrorIllegalAddress: return "cudaErrorIllegalAddress";
    case cudaErrorNotSupported: return "cudaErrorNotSupported";
    case cudaErrorStreamCaptureUnsupported: return "cudaErrorStreamCaptureUnsupported";
    case cudaErrorStreamCaptureInvalidated: return "cudaErrorStreamCaptureInvalidated";
    case cudaErrorStreamCaptureImplicit: return "cudaErrorStreamCaptureImplicit";
    }
    return text;
}

const char *cudaGetErrorString(cudaError_t error) {
    const char *text = NULL;
    cuGetErrorString((CUresult)error, &text);
    return text ? text : "unrecognized error code";
}

cudaError_t cudaGetLastError(void) {
    cudaError_t error = last_error;
    last_error = cudaSuccess;
    return error;
}

cudaError_t cudaDriverGetVersion(int *version) { return told(cuDriverGetVersion(version)); }
cudaError_t cudaRuntimeGetVersion(int *version) { return *version = CUDART_VERSION, cudaSuccess; }

/* Devices -------------------------------------------------------------------------------------------------------------*/
cudaError_t cudaGetDevice(int *device) { return *device = chosen, cudaSuccess; }
cudaError_t cudaSetDevice(int device) { return told(device < 0 || device >= 16 ? CUDA_ERROR_INVALID_DEVICE : take(device)); }

cudaError_t cudaGetDeviceCount(int *count) {
    CUresult result = cuInit(0);
    *count = 0;
    return told(result ? result : cuDeviceGetCount(count));
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device) {
    CUresult result = cuInit(0);
    return told(result ? result : cuDeviceGetAttribute(value, (CUdevice_attribute)attribute, device));
}

static int attribute(int device, CUdevice_attribute number) {
    int value = 0;
    cuDeviceGetAttribute(&value, number, device);
    return value;
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *p, int device) {
    CUresult result = cuInit(0);
    if (!result) result = cuDeviceGetName(p->name, sizeof p->name, device);
    if (result) return told(result);
    char name[sizeof p->name];
    memcpy(name, p->name, sizeof name);
    memset(p, 0, sizeof *p);
    memcpy(p->name, name, sizeof name);
    cuDeviceTotalMem(&p->totalGlobalMem, device);
#define A(field, number) p->field = attribute(device, CU_DEVICE_ATTRIBUTE_##number)
    A(sharedMemPerBlock, MAX_SHARED_MEMORY_PER_BLOCK), A(regsPerBlock, MAX_REGISTERS_PER_BLOCK), A(warpSize, WARP_SIZE);
    A(memPitch, MAX_PITCH), A(maxThreadsPerBlock, MAX_THREADS_PER_BLOCK), A(maxThreadsDim[0], MAX_BLOCK_DIM_X);
    A(maxThreadsDim[1], MAX_BLOCK_DIM_Y), A(maxThreadsDim[2], MAX_BLOCK_DIM_Z), A(maxGridSize[0], MAX_GRID_DIM_X);
    A(maxGridSize[1], MAX_GRID_DIM_Y), A(maxGridSize[2], MAX_GRID_DIM_Z), A(clockRate, CLOCK_RATE);
    A(totalConstMem, TOTAL_CONSTANT_MEMORY), A(major, COMPUTE_CAPABILITY_MAJOR), A(minor, COMPUTE_CAPABILITY_MINOR);
    A(textureAlignment, TEXTURE_ALIGNMENT), A(multiProcessorCount, MULTIPROCESSOR_COUNT), A(pciBusID, PCI_BUS_ID);
    A(canMapHostMemory, CAN_MAP_HOST_MEMORY), A(concurrentKernels, CONCURRENT_KERNELS), A(ECCEnabled, ECC_ENABLED);
    A(unifiedAddressing, UNIFIED_ADDRESSING), A(memoryClockRate, MEMORY_CLOCK_RATE), A(l2CacheSize, L2_CACHE_SIZE);
    A(memoryBusWidth, GLOBAL_MEMORY_BUS_WIDTH), A(asyncEngineCount, ASYNC_ENGINE_COUNT);
    A(maxThreadsPerMultiProcessor, MAX_THREADS_PER_MULTIPROCESSOR), A(streamPrioritiesSupported, STREAM_PRIORITIES_SUPPORTED);
    A(sharedMemPerMultiprocessor, MAX_SHARED_MEMORY_PER_MULTIPROCESSOR);
    A(regsPerMultiprocessor, MAX_REGISTERS_PER_MULTIPROCESSOR), A(maxBlocksPerMultiProcessor, MAX_BLOCKS_PER_MULTIPROCESSOR);
    A(sharedMemPerBlockOptin, MAX_SHARED_MEMORY_PER_BLOCK_OPTIN), A(memoryPoolsSupported, MEMORY_POOLS_SUPPORTED);
#undef A
    return cudaSuccess;
}

cudaError_t cudaDeviceGetPCIBusId(char *text, int length, int device) { return told(cuDeviceGetPCIBusId(text, length, device)); }
cudaError_t cudaDeviceSynchronize(void) { CALL(cuCtxSynchronize()); }
cudaError_t cudaDeviceCanAccessPeer(int *can, int device, int peer) { return told(cuDeviceCanAccessPeer(can, device, peer)); }
cudaError_t cudaDeviceEnablePeerAccess(int peer, unsigned flags) {
    (void)peer, (void)flags;
    return told(CUDA_ERROR_PEER_ACCESS_UNSUPPORTED);
}
cudaError_t cudaDeviceGetLimit(size_t *value, enum cudaLimit limit) { CALL(cuCtxGetLimit(value, (CUlimit)limit)); }

/* Memory --------------------------------------------------------------------------------------------------------------*/
cudaError_t cudaMalloc(void **start, size_t bytes) {
    if (!bytes) return *start = NULL, cudaSuccess;
    CALL(cuMemAlloc((CUdeviceptr *)start, bytes));
}
cudaError_t cudaFree(void *start) { CALL(start ? cuMemFree(D(start)) : CUDA_SUCCESS); }
cudaError_t cudaHostAlloc(void **start, size_t bytes, unsigned flags) { CALL(cuMemHostAlloc(start, bytes, flags)); }
cudaError_t cudaFreeHost(void *start) { CALL(start ? cuMemFreeHost(start) : CUDA_SUCCESS); }
cudaError_t cudaMemGetInfo(size_t *left, size_t *total) { CALL(cuMemGetInfo(left, total)); }

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind) {
    switch (kind) {
    case cudaMemcpyHostToHost: return memmove(to, from, bytes), cudaSuccess;
    case cudaMemcpyHostToDevice: CALL(cuMemcpyHtoD(D(to), from, bytes));
    case cudaMemcpyDeviceToHost: CALL(cuMemcpyDtoH(to, D(from), bytes));
    case cudaMemcpyDeviceToDevice: CALL(cuMemcpyDtoD(D(to), D(from), bytes));
    default: CALL(cuMemcpy(D(to), D(from), bytes));
    }
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind, cudaStream_t stream) {
    switch (kind) {
    case cudaMemcpyHostToDevice: CALL(cuMemcpyHtoDAsync(D(to), from, bytes, stream));
    case cudaMemcpyDeviceToHost: CALL(cuMemcpyDtoHAsync(to, D(from), bytes, stream));
    case cudaMemcpyDeviceToDevice: CALL(cuMemcpyDtoDAsync(D(to), D(from), bytes, stream));
    default: CALL(cuMemcpyAsync(D(to), D(from), bytes, stream));
    }
}

cudaError_t cudaMemcpyPeer(void *to, int there, const void *from, int here, size_t bytes) {
    (void)there, (void)here;
    CALL(cuMemcpyPeer(D(to), NULL, D(from), NULL, bytes));
}
cudaError_t cudaMemcpyPeerAsync(void *to, int there, const void *from, int here, size_t bytes, cudaStream_t stream) {
    (void)there, (void)here;
    CALL(cuMemcpyPeerAsync(D(to), NULL, D(from), NULL, bytes, stream));
}

static CUDA_MEMCPY2D plane(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t height) {
    CUDA_MEMCPY2D p = {0};
    p.srcMemoryType = p.dstMemoryType = CU_MEMORYTYPE_UNIFIED;
    p.srcDevice = D(from), p.dstDevice = D(to), p.srcPitch = from_pitch, p.dstPitch = to_pitch;
    p.WidthInBytes = width, p.Height = height;
    return p;
}
cudaError_t cudaMemcpy2D(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t height,
                         enum cudaMemcpyKind kind) {
    (void)kind;
    CUDA_MEMCPY2D p = plane(to, to_pitch, from, from_pitch, width, height);
    CALL(cuMemcpy2D(&p));
}
cudaError_t cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t height,
                              enum cudaMemcpyKind kind, cudaStream_t stream) {
    (void)kind;
    CUDA_MEMCPY2D p = plane(to, to_pitch, from, from_pitch, width, height);
    CALL(cuMemcpy2DAsync(&p, stream));
}
cudaError_t cudaMemset(void *to, int value, size_t bytes) { CALL(cuMemsetD8(D(to), (unsigned char)value, bytes)); }
cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream) {
    CALL(cuMemsetD8Async(D(to), (unsigned char)value, bytes, stream));
}

cudaError_t cudaPointerGetAttributes(struct cudaPointerAttributes *a, const void *address) {
    CUresult result = ready();
    unsigned type = 0;
    *a = (struct cudaPointerAttributes){cudaMemoryTypeUnregistered, -2, NULL, (void *)address};
    if (result || cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, D(address))) return told(result);
    cuPointerGetAttribute(&a->device, CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL, D(address));
    a->type = type == CU_MEMORYTYPE_HOST ? cudaMemoryTypeHost : cudaMemoryTypeDevice;
    a->devicePointer = (void *)address;
    a->hostPointer = type == CU_MEMORYTYPE_HOST ? (void *)address : NULL;
    return cudaSuccess;
}

/* Streams, events, graphs ---------------------------------------------------------------------------------------------*/
cudaError_t cudaStreamCreate(cudaStream_t *stream) { CALL(cuStreamCreate(stream, 0)); }
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags) { CALL(cuStreamCreate(stream, flags)); }
cudaError_t cudaStreamCreateWithPriority(cudaStream_t *stream, unsigned flags, int priority) {
    CALL(cuStreamCreateWithPriority(stream, flags, priority));
}
cudaError_t cudaStreamGetFlags(cudaStream_t stream, unsigned *flags) { CALL(cuStreamGetFlags(stream, flags)); }
cudaError_t cudaStreamGetPriority(cudaStream_t stream, int *priority) { CALL(cuStreamGetPriority(stream, priority)); }
cudaError_t cudaStreamDestroy(cudaStream_t stream) { CALL(cuStreamDestroy(stream)); }
cudaError_t cudaStreamSynchronize(cudaStream_t stream) { CALL(cuStreamSynchronize(stream)); }
cudaError_t cudaStreamQuery(cudaStream_t stream) { CALL(cuStreamQuery(stream)); }
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags) {
    CALL(cuStreamWaitEvent(stream, event, flags));
}
cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t call, void *data) { CALL(cuLaunchHostFunc(stream, call, data)); }
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode) {
    CALL(cuStreamBeginCapture(stream, (CUstreamCaptureMode)mode));
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph) { CALL(cuStreamEndCapture(stream, graph)); }
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, enum cudaStreamCaptureStatus *status) {
    CALL(cuStreamIsCapturing(stream, (CUstreamCaptureStatus *)status));
}
cudaError_t cudaEventCreate(cudaEvent_t *event) { CALL(cuEventCreate(event, 0)); }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags) { CALL(cuEventCreate(event, flags)); }
cudaError_t cudaEventDestroy(cudaEvent_t event) { CALL(cuEventDestroy(event)); }
cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t first, cudaEvent_t second) { CALL(cuEventElapsedTime(ms, first, second)); }
cudaError_t cudaEventQuery(cudaEvent_t event) { CALL(cuEventQuery(event)); }
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) { CALL(cuEventRecord(event, stream)); }
cudaError_t cudaEventSynchronize(cudaEvent_t event) { CALL(cuEventSynchronize(event)); }
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *made, cudaGraph_t graph, unsigned long long flags) {
    CALL(cuGraphInstantiateWithFlags(made, graph, flags));
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) { CALL(cuGraphDestroy(graph)); }
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) { CALL(cuGraphExecDestroy(graph)); }
cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream) { CALL(cuGraphLaunch(graph, stream)); }
cudaError_t cudaGraphUpload(cudaGraphExec_t graph, cudaStream_t stream) { CALL(cuGraphUpload(graph, stream)); }
