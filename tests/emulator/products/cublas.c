/* The part of cuBLAS that CuPy's products of matrices call. */
#include <cublas_v2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "products.h"

struct cublasContext {
    cudaStream_t stream;
    cublasMath_t math;
    cublasPointerMode_t pointers;
};

cublasStatus_t cublasCreate_v2(cublasHandle_t *handle) {
    CUcontext context = NULL;
    cuCtxGetCurrent(&context);
    if (!context) return CUBLAS_STATUS_NOT_INITIALIZED;
    return (*handle = calloc(1, sizeof **handle)) ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_ALLOC_FAILED;
}
cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) { return free(handle), CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasGetVersion_v2(cublasHandle_t handle, int *version) {
    (void)handle;
    return *version = CUBLAS_VERSION, CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
    return handle->stream = stream, CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasGetStream_v2(cublasHandle_t handle, cudaStream_t *stream) {
    return *stream = handle->stream, CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode) { return handle->math = mode, CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasGetMathMode(cublasHandle_t handle, cublasMath_t *mode) { return *mode = handle->math, CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasSetPointerMode_v2(cublasHandle_t handle, cublasPointerMode_t mode) {
    return handle->pointers = mode, CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasGetPointerMode_v2(cublasHandle_t handle, cublasPointerMode_t *mode) {
    return *mode = handle->pointers, CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t run(cublasHandle_t handle, struct product p, const void *alpha, const void *beta) {
    const char *fault = product_fault(&p);
    if (fault) {
        fprintf(stderr, "emulated GPU: a product is refused: %s\n", fault);
        return CUBLAS_STATUS_INVALID_VALUE;
    }
    if (handle->pointers == CUBLAS_POINTER_MODE_DEVICE) p.alpha_at = alpha, p.beta_at = beta;
    else if (p.wide == 4) p.alpha = *(const float *)alpha, p.beta = *(const float *)beta;
    else p.alpha = *(const double *)alpha, p.beta = *(const double *)beta;
    return put_product((CUstream)handle->stream, &p) ? CUBLAS_STATUS_EXECUTION_FAILED : CUBLAS_STATUS_SUCCESS;
}

static struct product of(int wide, cublasOperation_t ta, cublasOperation_t tb, long m, long n, long k, const void *a, long lda,
                         const void *b, long ldb, void *c, long ldc) {
    return (struct product){.wide = wide, .turned_a = ta != CUBLAS_OP_N, .turned_b = tb != CUBLAS_OP_N, .m = m, .n = n, .k = k,
                            .lda = lda, .ldb = ldb, .ldc = ldc, .ldd = ldc, .a = a, .b = b, .c = c, .d = c, .batch = 1};
}

#define GEMM(letter, number) \
    cublasStatus_t cublas##letter##gemm_v2(cublasHandle_t h, cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k, \
            const number *alpha, const number *a, int lda, const number *b, int ldb, const number *beta, number *c, int ldc) { \
        return run(h, of(sizeof *c, ta, tb, m, n, k, a, lda, b, ldb, c, ldc), alpha, beta); \
    } \
    cublasStatus_t cublas##letter##gemmStridedBatched(cublasHandle_t h, cublasOperation_t ta, cublasOperation_t tb, int m, \
            int n, int k, const number *alpha, const number *a, int lda, long long sa, const number *b, int ldb, long long sb, \
            const number *beta, number *c, int ldc, long long sc, int batch) { \
        struct product p = of(sizeof *c, ta, tb, m, n, k, a, lda, b, ldb, c, ldc); \
        p.step_a = sa, p.step_b = sb, p.step_c = p.step_d = sc, p.batch = batch; \
        return run(h, p, alpha, beta); \
    } \
    cublasStatus_t cublas##letter##gemmBatched(cublasHandle_t h, cublasOperation_t ta, cublasOperation_t tb, int m, int n, \
            int k, const number *alpha, const number *const a[], int lda, const number *const b[], int ldb, \
            const number *beta, number *const c[], int ldc, int batch) { \
        struct product p = of(sizeof **c, ta, tb, m, n, k, a, lda, b, ldb, (void *)c, ldc); \
        p.listed = 1, p.batch = batch; \
        return run(h, p, alpha, beta); \
    }
GEMM(S, float)
GEMM(D, double)

static int wide(cudaDataType type) { return type == CUDA_R_32F ? 4 : type == CUDA_R_64F ? 8 : 0; }

static int same(const char *name, cudaDataType a, cudaDataType b, cudaDataType c, cublasComputeType_t compute) {
    int fits = compute == CUBLAS_COMPUTE_64F || compute == CUBLAS_COMPUTE_64F_PEDANTIC ? 8
               : compute == CUBLAS_COMPUTE_32F || compute == CUBLAS_COMPUTE_32F_PEDANTIC || compute == CUBLAS_COMPUTE_32F_FAST_TF32 ? 4 : 0;
    if (fits && wide(a) == fits && wide(b) == fits && wide(c) == fits) return fits;
    fprintf(stderr, "emulated GPU: %s of types %d, %d, %d computed in %d is not there\n", name, a, b, c, compute);
    return 0;
}

cublasStatus_t cublasGemmEx(cublasHandle_t h, cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k,
                            const void *alpha, const void *a, cudaDataType at, int lda, const void *b, cudaDataType bt, int ldb,
                            const void *beta, void *c, cudaDataType ct, int ldc, cublasComputeType_t compute,
                            cublasGemmAlgo_t algorithm) {
    (void)algorithm;
    int bytes = same("cublasGemmEx", at, bt, ct, compute);
    if (!bytes) return CUBLAS_STATUS_NOT_SUPPORTED;
    return run(h, of(bytes, ta, tb, m, n, k, a, lda, b, ldb, c, ldc), alpha, beta);
}

cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t h, cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k,
                                          const void *alpha, const void *a, cudaDataType at, int lda, long long sa,
                                          const void *b, cudaDataType bt, int ldb, long long sb, const void *beta, void *c,
                                          cudaDataType ct, int ldc, long long sc, int batch, cublasComputeType_t compute,
                                          cublasGemmAlgo_t algorithm) {
    (void)algorithm;
    int bytes = same("cublasGemmStridedBatchedEx", at, bt, ct, compute);
    if (!bytes) return CUBLAS_STATUS_NOT_SUPPORTED;
    struct product p = of(bytes, ta, tb, m, n, k, a, lda, b, ldb, c, ldc);
    p.step_a = sa, p.step_b = sb, p.step_c = p.step_d = sc, p.batch = batch;
    return run(h, p, alpha, beta);
}

cublasStatus_t cublasSgemmEx(cublasHandle_t h, cublasOperation_t ta, cublasOperation_t tb, int m, int n, int k,
                             const float *alpha, const void *a, cudaDataType at, int lda, const void *b, cudaDataType bt,
                             int ldb, const float *beta, void *c, cudaDataType ct, int ldc) {
    if (!same("cublasSgemmEx", at, bt, ct, CUBLAS_COMPUTE_32F)) return CUBLAS_STATUS_NOT_SUPPORTED;
    return run(h, of(4, ta, tb, m, n, k, a, lda, b, ldb, c, ldc), alpha, beta);
}
