/* The part of cuBLASLt that gpubp/backends/cuda/cublaslt.py calls, as strict as the real one. */
#include <cublasLt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "products.h"

struct description {
    cublasComputeType_t compute;
    cudaDataType scale;
    int32_t turned_a, turned_b;
    uint32_t epilogue;
    const void *bias;
};
struct layout { cudaDataType type; uint64_t rows, columns; int64_t ld, step; int32_t batch; };
struct preference { uint64_t workspace; uint32_t alignment[4]; };
#define MAGIC 0x656d756c61746564u

static int refuse(const char *reason, int status) {
    fprintf(stderr, "emulated GPU: cuBLASLt refuses: %s\n", reason);
    return status;
}

cublasStatus_t cublasLtCreate(cublasLtHandle_t *handle) {
    CUcontext context = NULL;
    cuCtxGetCurrent(&context);
    if (!context) return CUBLAS_STATUS_NOT_INITIALIZED;
    return (*handle = calloc(1, 16)) ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_ALLOC_FAILED;
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) { return free(handle), CUBLAS_STATUS_SUCCESS; }
size_t cublasLtGetVersion(void) { return CUBLAS_VERSION; }

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *made, cublasComputeType_t compute, cudaDataType_t scale) {
    struct description *d = calloc(1, sizeof *d);
    d->compute = compute, d->scale = scale, d->epilogue = CUBLASLT_EPILOGUE_DEFAULT;
    return *made = (cublasLtMatmulDesc_t)d, CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t d) { return free(d), CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t made, cublasLtMatmulDescAttributes_t attribute,
                                              const void *value, size_t bytes) {
    struct description *d = (struct description *)made;
    void *at = attribute == CUBLASLT_MATMUL_DESC_TRANSA ? (void *)&d->turned_a
               : attribute == CUBLASLT_MATMUL_DESC_TRANSB ? (void *)&d->turned_b
               : attribute == CUBLASLT_MATMUL_DESC_EPILOGUE ? (void *)&d->epilogue
               : attribute == CUBLASLT_MATMUL_DESC_BIAS_POINTER ? (void *)&d->bias : NULL;
    size_t wanted = at == &d->bias ? sizeof d->bias : sizeof d->turned_a;
    if (!at) return refuse("an attribute of a product that is not there", CUBLAS_STATUS_NOT_SUPPORTED);
    if (bytes != wanted) return refuse("the size of an attribute of a product", CUBLAS_STATUS_INVALID_VALUE);
    return memcpy(at, value, bytes), CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *made, cudaDataType type, uint64_t rows, uint64_t columns,
                                          int64_t ld) {
    struct layout *l = malloc(sizeof *l);
    *l = (struct layout){type, rows, columns, ld, 0, 1};
    return *made = (cublasLtMatrixLayout_t)l, CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t l) { return free(l), CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t made, cublasLtMatrixLayoutAttribute_t attribute,
                                                const void *value, size_t bytes) {
    struct layout *l = (struct layout *)made;
    void *at = attribute == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT ? (void *)&l->batch
               : attribute == CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET ? (void *)&l->step : NULL;
    size_t wanted = at == &l->batch ? sizeof l->batch : sizeof l->step;
    if (!at) return refuse("an attribute of a layout that is not there", CUBLAS_STATUS_NOT_SUPPORTED);
    if (bytes != wanted) return refuse("the size of an attribute of a layout", CUBLAS_STATUS_INVALID_VALUE);
    return memcpy(at, value, bytes), CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *made) {
    struct preference *p = malloc(sizeof *p);
    *p = (struct preference){0, {256, 256, 256, 256}};
    return *made = (cublasLtMatmulPreference_t)p, CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t p) { return free(p), CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t made,
                                                    cublasLtMatmulPreferenceAttributes_t attribute, const void *value,
                                                    size_t bytes) {
    struct preference *p = (struct preference *)made;
    int which = (int)attribute - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES;
    int work = attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES;
    if (!work && (which < 0 || which > 3)) return refuse("a preference that is not there", CUBLAS_STATUS_NOT_SUPPORTED);
    if (bytes != (work ? sizeof p->workspace : sizeof *p->alignment))
        return refuse("the size of a preference", CUBLAS_STATUS_INVALID_VALUE);
    return memcpy(work ? (void *)&p->workspace : (void *)&p->alignment[which], value, bytes), CUBLAS_STATUS_SUCCESS;
}

static const char *made(struct product *p, const struct description *d, const struct layout *a, const struct layout *b,
                        const struct layout *c, const struct layout *r) {
    int tf32 = d->compute == CUBLAS_COMPUTE_32F_FAST_TF32; /* whose rounding is not shown */
    int single = (d->compute == CUBLAS_COMPUTE_32F || tf32) && d->scale == CUDA_R_32F;
    int wide = d->compute == CUBLAS_COMPUTE_64F && d->scale == CUDA_R_64F;
    if (!single && !wide) return "a type that is computed in";
    cudaDataType type = single ? CUDA_R_32F : CUDA_R_64F;
    if (a->type != type || b->type != type || c->type != type || r->type != type) return "the type of a matrix";
    if (a->batch != r->batch || b->batch != r->batch || c->batch != r->batch) return "batches that differ";
    *p = (struct product){.wide = single ? 4 : 8, .turned_a = d->turned_a != 0, .turned_b = d->turned_b != 0,
                          .m = r->rows, .n = r->columns, .k = d->turned_a ? a->rows : a->columns, .lda = a->ld, .ldb = b->ld,
                          .ldc = c->ld, .ldd = r->ld, .step_a = a->step, .step_b = b->step, .step_c = c->step,
                          .step_d = r->step, .batch = r->batch};
    int biased = d->epilogue == CUBLASLT_EPILOGUE_BIAS || d->epilogue == CUBLASLT_EPILOGUE_RELU_BIAS;
    p->relu = d->epilogue == CUBLASLT_EPILOGUE_RELU || d->epilogue == CUBLASLT_EPILOGUE_RELU_BIAS;
    if (!biased && !p->relu && d->epilogue != CUBLASLT_EPILOGUE_DEFAULT) return "an epilogue";
    if ((biased || p->relu) && (wide || r->batch > 1)) return "an epilogue of float64, or of several products";
    if (biased && (!d->bias || (uintptr_t)d->bias % 16)) return "a bias off multiples of 16";
    p->bias = biased ? d->bias : NULL;
    long rows_a = d->turned_a ? a->columns : a->rows, columns_b = d->turned_b ? b->rows : b->columns;
    long inner = d->turned_b ? b->columns : b->rows;
    if (rows_a != p->m || columns_b != p->n || inner != p->k) return "shapes that do not meet";
    if ((long)c->rows != p->m || (long)c->columns != p->n) return "the shape of c";
    /* The library's leading dimensions are those of its columns, whatever is turned. */
    if (a->ld < (int64_t)a->rows || b->ld < (int64_t)b->rows) return "a leading dimension below the rows";
    if (!p->m || !p->n || !p->k || !p->batch) return "an empty matrix";
    return product_fault(p);
}

/* Every second algorithm adds the terms of a sum up backwards. EMULATED_GPU_UNSTEADY is the number of one that does so
   each other time, EMULATED_GPU_REFUSES that of one that takes no product. */
#define ALGORITHMS 4
struct algorithm { uint64_t magic; uint32_t alignment[4]; uint64_t workspace, number; };

static int planted(const char *fault, uint64_t number) {
    const char *given = getenv(fault);
    return given && strtoul(given, NULL, 10) == number;
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t d, cublasLtMatrixLayout_t a,
                                              cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t r,
                                              cublasLtMatmulPreference_t preference, int wanted,
                                              cublasLtMatmulHeuristicResult_t found[], int *count) {
    struct product p;
    struct preference *given = (struct preference *)preference;
    *count = 0;
    if (!handle || wanted < 1) return CUBLAS_STATUS_INVALID_VALUE;
    const char *fault = made(&p, (void *)d, (void *)a, (void *)b, (void *)c, (void *)r);
    if (fault) return refuse(fault, CUBLAS_STATUS_NOT_SUPPORTED);
    for (int k = 0; k < 4; k++)
        if (given->alignment[k] < (uint32_t)p.wide) return refuse("memory that begins within a number", CUBLAS_STATUS_NOT_SUPPORTED);
    for (int k = 0; k < wanted && k < ALGORITHMS; k++, found++, ++*count) {
        struct algorithm algorithm = {MAGIC, {0}, given->workspace, k};
        memcpy(algorithm.alignment, given->alignment, sizeof algorithm.alignment);
        memset(found, 0, sizeof *found);
        memcpy(&found->algo, &algorithm, sizeof algorithm);
        found->workspaceSize = given->workspace, found->wavesCount = 1;
    }
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t d, const void *alpha, const void *a,
                              cublasLtMatrixLayout_t la, const void *b, cublasLtMatrixLayout_t lb, const void *beta,
                              const void *c, cublasLtMatrixLayout_t lc, void *r, cublasLtMatrixLayout_t lr,
                              const cublasLtMatmulAlgo_t *chosen, void *workspace, size_t bytes, cudaStream_t stream) {
    struct product p;
    struct algorithm algorithm;
    if (!handle || !chosen) return CUBLAS_STATUS_INVALID_VALUE;
    memcpy(&algorithm, chosen, sizeof algorithm);
    if (algorithm.magic != MAGIC) return refuse("an algorithm that no heuristic gave", CUBLAS_STATUS_INVALID_VALUE);
    const char *fault = made(&p, (void *)d, (void *)la, (void *)lb, (void *)lc, (void *)lr);
    if (fault) return refuse(fault, CUBLAS_STATUS_INVALID_VALUE);
    const void *places[4] = {a, b, c, r};
    for (int k = 0; k < 4; k++)
        if ((uintptr_t)places[k] % algorithm.alignment[k])
            return refuse("memory that is aligned less than was said", CUBLAS_STATUS_INVALID_VALUE);
    if (bytes < algorithm.workspace) return refuse("a workspace smaller than was said", CUBLAS_STATUS_INVALID_VALUE);
    if (bytes && (uintptr_t)workspace % 256) return refuse("a workspace off multiples of 256", CUBLAS_STATUS_INVALID_VALUE);
    if (planted("EMULATED_GPU_REFUSES", algorithm.number)) return CUBLAS_STATUS_NOT_SUPPORTED;
    p.backwards = algorithm.number % 2, p.unsteady = planted("EMULATED_GPU_UNSTEADY", algorithm.number);
    p.a = a, p.b = b, p.c = c, p.d = r, p.also = workspace, p.also_bytes = bytes;
    p.alpha = p.wide == 4 ? *(const float *)alpha : *(const double *)alpha;
    p.beta = p.wide == 4 ? *(const float *)beta : *(const double *)beta;
    return put_product((CUstream)stream, &p) ? CUBLAS_STATUS_EXECUTION_FAILED : CUBLAS_STATUS_SUCCESS;
}
