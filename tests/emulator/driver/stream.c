/* Streams: work that is run at once, or, where EMULATED_GPU_LATE is set, when somebody waits for it, which shows hosts that
   read too early. Capture is in capture.c. */
#include "driver.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static CUstream streams;
static CUevent events;
static unsigned long long made;
static struct CUstream_st legacy[MAX_DEVICES];

static int is_legacy(CUstream stream) { return !stream || stream == CU_STREAM_LEGACY || stream == CU_STREAM_PER_THREAD; }

/* The stream behind a handle, NULL where there is none. */
CUstream stream_of(CUstream handle) {
    if (is_legacy(handle)) {
        CUcontext context = current();
        if (!context) return NULL;
        legacy[context->device].context = context;
        return &legacy[context->device];
    }
    for (CUstream each = streams; each; each = each->next)
        if (each == handle) return each;
    return NULL;
}

CUresult stream_context(CUstream stream, CUcontext *context) {
    CUstream found = stream_of(stream);
    return found ? (*context = found->context, CUDA_SUCCESS) : CUDA_ERROR_INVALID_HANDLE;
}

/* Work that waits to be run, oldest first. */
struct waiting {
    struct work work;
    struct waiting *next;
};

static CUresult run(CUstream stream, const struct work *work) {
    CUcontext context = stream->context;
    if (context->broken) return context->broken;
    CUresult result = work->run((void *)work->data);
    if (result) context->broken = result;
    return result;
}

static CUresult drain(CUstream stream) {
    while (stream->waiting) {
        struct waiting *first = stream->waiting;
        stream->waiting = first->next;
        run(stream, &first->work);
        free((void *)first->work.data);
        free(first);
    }
    return stream->context->broken;
}

/* Runs what waits in the streams of a context: all of them, or those that the legacy stream waits for. */
static void drain_all(CUcontext context, int blocking_only) {
    for (CUstream each = streams; each; each = each->next)
        if (each->context == context && !(blocking_only && each->flags & CU_STREAM_NON_BLOCKING)) drain(each);
    CUstream old = &legacy[context->device];
    if (old->context) drain(old);
}

void finish_all(void) {
    for (int k = 0; k < MAX_DEVICES; k++) drain_all(primary(k), 0);
}

CUresult finish(CUstream handle) {
    CUstream stream = stream_of(handle);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    if (!(stream->flags & CU_STREAM_NON_BLOCKING)) drain_all(stream->context, 1);
    return drain(stream);
}

CUresult put(CUstream handle, const struct work *work) {
    CUstream stream = stream_of(handle);
    if (!stream) return handle && current() ? CUDA_ERROR_INVALID_HANDLE : CUDA_ERROR_INVALID_CONTEXT;
    if (stream->context->broken) return stream->context->broken;
    if (stream->capture) return put_captured(stream, work);
    if (is_legacy(handle)) {
        CUresult result = implicit(stream->context);
        if (result) return result;
    }
    static int late = -1;
    if (late < 0) late = getenv("EMULATED_GPU_LATE") != NULL;
    if (!late) return run(stream, work);
    if (is_legacy(handle)) drain_all(stream->context, 1);
    else if (!(stream->flags & CU_STREAM_NON_BLOCKING) && legacy[stream->context->device].context)
        drain(&legacy[stream->context->device]);
    struct waiting *made_ = malloc(sizeof *made_), **end = &stream->waiting;
    *made_ = (struct waiting){*work, NULL};
    made_->work.data = memcpy(malloc(work->bytes + 1), work->data, work->bytes);
    while (*end) end = &(*end)->next;
    *end = made_;
    return CUDA_SUCCESS;
}

__attribute__((visibility("default"))) CUresult emulated_put(CUstream stream, CUresult (*call)(void *), const void *data,
                                                             size_t bytes) {
    GUARD;
    struct work work = {call, data, bytes, CU_GRAPH_NODE_TYPE_KERNEL};
    return put(stream, &work);
}

__attribute__((visibility("default"))) int emulated_owns(const void *address, unsigned long bytes) {
    GUARD;
    return owns(address, bytes);
}

CUresult cuStreamCreateWithPriority(CUstream *stream, unsigned flags, int priority) {
    GUARD;
    CUresult result = usable();
    if (result) return result;
    if (flags & ~CU_STREAM_NON_BLOCKING) return CUDA_ERROR_INVALID_VALUE;
    *stream = calloc(1, sizeof **stream);
    **stream = (struct CUstream_st){.context = current(), .flags = flags, .priority = priority, .id = ++made, .next = streams};
    streams = *stream;
    return CUDA_SUCCESS;
}

CUresult cuStreamCreate(CUstream *stream, unsigned flags) { return cuStreamCreateWithPriority(stream, flags, 0); }

CUresult cuStreamDestroy(CUstream stream) {
    GUARD;
    for (CUstream *at = &streams; *at; at = &(*at)->next)
        if (*at == stream) {
            if (stream->capture) invalidate(stream->capture);
            drain(stream);
            for (CUevent each = events; each; each = each->next)
                if (each->stream == stream) each->stream = NULL;
            *at = stream->next;
            free(stream);
            return CUDA_SUCCESS;
        }
    return CUDA_ERROR_INVALID_HANDLE;
}

CUresult cuStreamSynchronize(CUstream handle) {
    GUARD;
    CUstream stream = stream_of(handle);
    if (!stream) return current() ? CUDA_ERROR_INVALID_HANDLE : CUDA_ERROR_INVALID_CONTEXT;
    if (stream->capture) return invalidate(stream->capture), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    CUresult result = is_legacy(handle) ? implicit(stream->context) : CUDA_SUCCESS;
    return result ? result : finish(handle);
}

CUresult cuStreamQuery(CUstream stream) { return cuStreamSynchronize(stream); }

CUresult may_wait(CUcontext context) {
    for (CUstream each = streams; each; each = each->next)
        if (each->context == context && each->capture)
            return invalidate(each->capture), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    drain_all(context, 0);
    return context->broken;
}

CUresult implicit(CUcontext context) {
    for (CUstream each = streams; each; each = each->next)
        if (each->context == context && each->capture && !(each->flags & CU_STREAM_NON_BLOCKING))
            return invalidate(each->capture), CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
    return CUDA_SUCCESS;
}

void leave_capture(struct capture *capture) {
    for (CUstream each = streams; each; each = each->next)
        if (each->capture == capture) each->capture = NULL;
    for (CUevent each = events; each; each = each->next)
        if (each->capture == capture) each->capture = NULL, each->recorded = 0, each->stream = NULL;
}

int loose_streams(struct capture *capture) {
    for (CUstream each = streams; each; each = each->next)
        if (each->capture == capture && each->loose) return 1;
    return 0;
}

CUresult cuStreamGetFlags(CUstream stream, unsigned *flags) {
    GUARD;
    return (stream = stream_of(stream)) ? (*flags = stream->flags, CUDA_SUCCESS) : CUDA_ERROR_INVALID_HANDLE;
}
CUresult cuStreamGetPriority(CUstream stream, int *priority) {
    GUARD;
    return (stream = stream_of(stream)) ? (*priority = stream->priority, CUDA_SUCCESS) : CUDA_ERROR_INVALID_HANDLE;
}
CUresult cuStreamGetId(CUstream stream, unsigned long long *id) {
    GUARD;
    return (stream = stream_of(stream)) ? (*id = stream->id, CUDA_SUCCESS) : CUDA_ERROR_INVALID_HANDLE;
}
CUresult cuStreamGetCtx(CUstream stream, CUcontext *context) {
    GUARD;
    return stream_context(stream, context);
}

/* Events --------------------------------------------------------------------------------------------------------------*/
CUresult cuEventCreate(CUevent *event, unsigned flags) {
    GUARD;
    CUresult result = usable();
    if (result) return result;
    *event = calloc(1, sizeof **event);
    **event = (struct CUevent_st){.context = current(), .flags = flags, .next = events};
    events = *event;
    return CUDA_SUCCESS;
}

CUresult cuEventDestroy(CUevent event) {
    GUARD;
    for (CUevent *at = &events; *at; at = &(*at)->next)
        if (*at == event) {
            finish_all();
            *at = event->next;
            free(event);
            return CUDA_SUCCESS;
        }
    return CUDA_ERROR_INVALID_HANDLE;
}

static CUresult reach(void *data) {
    CUevent event = *(CUevent *)data;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    event->time = now.tv_sec * 1000000000ull + now.tv_nsec;
    return CUDA_SUCCESS;
}

CUresult cuEventRecord(CUevent event, CUstream handle) {
    GUARD;
    CUstream stream = stream_of(handle);
    if (!stream || !event || stream->context != event->context) return CUDA_ERROR_INVALID_HANDLE;
    event->capture = stream->capture;
    event->stream = stream;
    event->recorded = 1;
    if (stream->capture) return stream->capture->invalid ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED : CUDA_SUCCESS;
    struct work work = {reach, &event, sizeof event, CU_GRAPH_NODE_TYPE_EMPTY};
    return put(handle, &work);
}

CUresult cuEventRecordWithFlags(CUevent event, CUstream stream, unsigned flags) {
    return flags ? CUDA_ERROR_NOT_SUPPORTED : cuEventRecord(event, stream);
}

CUresult cuEventSynchronize(CUevent event) {
    GUARD;
    if (event->capture) return invalidate(event->capture), CUDA_ERROR_CAPTURED_EVENT;
    return event->stream ? drain(event->stream) : CUDA_SUCCESS;
}

CUresult cuEventQuery(CUevent event) { return cuEventSynchronize(event); }

CUresult cuEventElapsedTime(float *time, CUevent first, CUevent second) {
    GUARD;
    if (!first->recorded || !second->recorded || (first->flags | second->flags) & CU_EVENT_DISABLE_TIMING)
        return CUDA_ERROR_INVALID_HANDLE;
    finish_all();
    *time = (float)((double)((int64_t)second->time - (int64_t)first->time) / 1e6);
    return CUDA_SUCCESS;
}

CUresult cuStreamWaitEvent(CUstream handle, CUevent event, unsigned flags) {
    GUARD;
    (void)flags;
    CUstream stream = stream_of(handle);
    if (!stream || !event) return CUDA_ERROR_INVALID_HANDLE;
    if (event->capture) return join(stream, event);
    if (stream->capture) return invalidate(stream->capture), CUDA_ERROR_STREAM_CAPTURE_ISOLATION;
    return event->stream ? drain(event->stream) : CUDA_SUCCESS;
}
