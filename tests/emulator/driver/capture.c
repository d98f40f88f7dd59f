/* Capture: while a stream is captured, what is put into it becomes a graph, and much is refused. The rules are those of
   CUDA's programming guide, and a call against them makes the capture invalid, as it does there. */
#include "driver.h"

#include <pthread.h>
#include <stdlib.h>

static struct capture *captures;
static unsigned long long made;
static __thread CUstreamCaptureMode thread_mode = CU_STREAM_CAPTURE_MODE_GLOBAL;

void invalidate(struct capture *capture) { capture->invalid = 1; }

struct capture *capture_of(CUstream handle) {
    CUstream stream = stream_of(handle);
    return stream ? stream->capture : NULL;
}

CUresult unsafe(void) {
    if (thread_mode == CU_STREAM_CAPTURE_MODE_RELAXED) return CUDA_SUCCESS;
    for (struct capture *each = captures; each; each = each->next) {
        int mine = pthread_equal(each->thread, pthread_self());
        int global = thread_mode == CU_STREAM_CAPTURE_MODE_GLOBAL && each->mode == CU_STREAM_CAPTURE_MODE_GLOBAL;
        if ((mine && each->mode != CU_STREAM_CAPTURE_MODE_RELAXED) || (!mine && global))
            return invalidate(each), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    }
    return CUDA_SUCCESS;
}

CUresult put_captured(CUstream stream, const struct work *work) {
    if (stream->capture->invalid) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    stream->loose = stream != stream->capture->origin;
    add_work(stream->capture->graph, work);
    return CUDA_SUCCESS;
}

/* A stream that waits for an event of captured work is captured, too. */
CUresult join(CUstream stream, CUevent event) {
    struct capture *capture = event->capture;
    if (capture->invalid) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    if (stream->capture && stream->capture != capture) {
        invalidate(stream->capture), invalidate(capture);
        return CUDA_ERROR_STREAM_CAPTURE_MERGE;
    }
    if (!stream->capture) stream->capture = capture, stream->loose = 1;
    else if (event->stream) event->stream->loose = 0;
    return CUDA_SUCCESS;
}

CUresult cuStreamBeginCapture(CUstream handle, CUstreamCaptureMode mode) {
    GUARD;
    CUresult result = usable();
    if (result) return result;
    CUstream stream = stream_of(handle);
    if (!stream || mode > CU_STREAM_CAPTURE_MODE_RELAXED) return CUDA_ERROR_INVALID_VALUE;
    /* The legacy stream cannot be captured, and a stream not twice. */
    if (!handle || handle == CU_STREAM_LEGACY) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    if (stream->capture) return CUDA_ERROR_ILLEGAL_STATE;
    struct capture *capture = malloc(sizeof *capture);
    *capture = (struct capture){new_graph(), stream, mode, pthread_self(), 0, ++made, captures};
    captures = capture;
    stream->capture = capture;
    stream->loose = 0;
    return CUDA_SUCCESS;
}

CUresult cuStreamEndCapture(CUstream handle, CUgraph *graph) {
    GUARD;
    *graph = NULL;
    CUstream stream = stream_of(handle);
    struct capture *capture = stream ? stream->capture : NULL;
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    if (!capture) return CUDA_ERROR_ILLEGAL_STATE;
    if (capture->origin != stream) return invalidate(capture), CUDA_ERROR_STREAM_CAPTURE_UNMATCHED;
    if (capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED && !pthread_equal(capture->thread, pthread_self()))
        return CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD;
    CUresult result = capture->invalid ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED
                      : loose_streams(capture) ? CUDA_ERROR_STREAM_CAPTURE_UNJOINED : CUDA_SUCCESS;
    for (struct capture **at = &captures; *at; at = &(*at)->next)
        if (*at == capture) {
            *at = capture->next;
            break;
        }
    leave_capture(capture);
    if (result) drop_graph(capture->graph);
    else *graph = capture->graph;
    free(capture);
    return result;
}

static CUstreamCaptureStatus status_of(const struct capture *capture) {
    return !capture ? CU_STREAM_CAPTURE_STATUS_NONE
           : capture->invalid ? CU_STREAM_CAPTURE_STATUS_INVALIDATED : CU_STREAM_CAPTURE_STATUS_ACTIVE;
}

CUresult cuStreamIsCapturing(CUstream handle, CUstreamCaptureStatus *status) {
    GUARD;
    CUstream stream = stream_of(handle);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    CUresult result = handle && handle != CU_STREAM_LEGACY ? CUDA_SUCCESS : implicit(stream->context);
    *status = status_of(stream->capture);
    return result;
}

CUresult cuStreamGetCaptureInfo_v2(CUstream handle, CUstreamCaptureStatus *status, cuuint64_t *id, CUgraph *graph,
                                   const CUgraphNode **nodes, size_t *count) {
    CUresult result = cuStreamIsCapturing(handle, status);
    struct capture *capture = result ? NULL : capture_of(handle);
    if (id) *id = capture ? capture->id : 0;
    if (graph) *graph = capture ? capture->graph : NULL;
    if (nodes) *nodes = NULL;
    if (count) *count = 0;
    return result;
}

CUresult cuStreamGetCaptureInfo_v3(CUstream handle, CUstreamCaptureStatus *status, cuuint64_t *id, CUgraph *graph,
                                   const CUgraphNode **nodes, const CUgraphEdgeData **edges, size_t *count) {
    if (edges) *edges = NULL;
    return cuStreamGetCaptureInfo_v2(handle, status, id, graph, nodes, count);
}

CUresult cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode *mode) {
    CUstreamCaptureMode before = thread_mode;
    thread_mode = *mode;
    *mode = before;
    return CUDA_SUCCESS;
}
