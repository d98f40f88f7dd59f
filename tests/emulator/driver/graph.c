/* Graphs: the work of a captured stream in its order. What is made executable has copies of everything but memory. */
#include "driver.h"

#include <stdlib.h>
#include <string.h>

struct CUgraphNode_st {
    struct work work;
    struct CUgraphNode_st *next;
};

struct CUgraph_st {
    CUgraphNode first, *end;
    size_t count;
};

struct CUgraphExec_st {
    CUgraph graph;
    CUcontext context;
};

CUgraph new_graph(void) {
    CUgraph graph = calloc(1, sizeof *graph);
    graph->end = &graph->first;
    return graph;
}

void add_work(CUgraph graph, const struct work *work) {
    CUgraphNode node = malloc(sizeof *node);
    *node = (struct CUgraphNode_st){*work, NULL};
    node->work.data = memcpy(malloc(work->bytes + 1), work->data, work->bytes);
    *graph->end = node;
    graph->end = &node->next;
    graph->count++;
}

void drop_graph(CUgraph graph) {
    for (CUgraphNode node = graph->first, next; node; node = next) {
        next = node->next;
        free((void *)node->work.data);
        free(node);
    }
    free(graph);
}

static CUgraph copy_of(CUgraph graph) {
    CUgraph made = new_graph();
    for (CUgraphNode node = graph->first; node; node = node->next) add_work(made, &node->work);
    return made;
}

CUresult cuGraphCreate(CUgraph *graph, unsigned flags) {
    return flags ? CUDA_ERROR_INVALID_VALUE : (*graph = new_graph(), CUDA_SUCCESS);
}

CUresult cuGraphClone(CUgraph *made, CUgraph graph) {
    GUARD;
    return *made = copy_of(graph), CUDA_SUCCESS;
}

CUresult cuGraphDestroy(CUgraph graph) {
    GUARD;
    return graph ? (drop_graph(graph), CUDA_SUCCESS) : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuGraphGetNodes(CUgraph graph, CUgraphNode *nodes, size_t *count) {
    GUARD;
    if (!nodes) return *count = graph->count, CUDA_SUCCESS;
    size_t k = 0;
    for (CUgraphNode node = graph->first; node && k < *count; node = node->next) nodes[k++] = node;
    return *count = k, CUDA_SUCCESS;
}

CUresult cuGraphNodeGetType(CUgraphNode node, CUgraphNodeType *type) { return *type = node->work.type, CUDA_SUCCESS; }

CUresult cuGraphInstantiateWithFlags(CUgraphExec *made, CUgraph graph, unsigned long long flags) {
    GUARD;
    (void)flags;
    CUresult result = usable();
    if (!result) result = unsafe();
    if (result) return result;
    *made = malloc(sizeof **made);
    **made = (struct CUgraphExec_st){copy_of(graph), current()};
    return CUDA_SUCCESS;
}

CUresult cuGraphExecDestroy(CUgraphExec graph) {
    GUARD;
    finish_all();
    drop_graph(graph->graph);
    free(graph);
    return CUDA_SUCCESS;
}

CUresult cuGraphUpload(CUgraphExec graph, CUstream stream) {
    (void)graph, (void)stream;
    return CUDA_SUCCESS;
}

CUresult cuGraphLaunch(CUgraphExec graph, CUstream stream) {
    GUARD;
    CUcontext context;
    CUresult result = usable();
    if (!result) result = stream_context(stream, &context);
    if (!result && context != graph->context) result = CUDA_ERROR_INVALID_VALUE;
    for (CUgraphNode node = graph->graph->first; node && !result; node = node->next) result = put(stream, &node->work);
    return result;
}

struct call {
    CUhostFn run;
    void *data;
};

static CUresult run_call(void *data) {
    struct call *call = data;
    call->run(call->data);
    return CUDA_SUCCESS;
}

CUresult cuLaunchHostFunc(CUstream stream, CUhostFn run, void *data) {
    GUARD;
    struct call call = {run, data};
    struct work work = {run_call, &call, sizeof call, CU_GRAPH_NODE_TYPE_HOST};
    return put(stream, &work);
}
