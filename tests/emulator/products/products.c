#include "products.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *product_fault(const struct product *p) {
    long rows_a = p->turned_a ? p->k : p->m, rows_b = p->turned_b ? p->n : p->k;
    if (p->m < 0 || p->n < 0 || p->k < 0 || p->batch < 0) return "a size is negative";
    if (p->lda < (rows_a > 1 ? rows_a : 1)) return "the first matrix's leading dimension is too small";
    if (p->ldb < (rows_b > 1 ? rows_b : 1)) return "the second matrix's leading dimension is too small";
    if (p->ldc < (p->m > 1 ? p->m : 1) || p->ldd < (p->m > 1 ? p->m : 1)) return "the result's leading dimension is too small";
    return NULL;
}

/* One column after the other, the terms of a sum in their order or backwards, each sum in the type of the numbers. */
#define MULTIPLY(name, number) \
    static void name(const struct product *p, const number *a, const number *b, const number *c, number *d) { \
        number alpha = p->alpha_at ? *(const number *)p->alpha_at : (number)p->alpha; \
        number beta = p->beta_at ? *(const number *)p->beta_at : (number)p->beta; \
        number *column = malloc((p->m + 1) * sizeof *column); \
        for (long j = 0; j < p->n; j++) { \
            memset(column, 0, p->m * sizeof *column); \
            for (long t = 0; t < p->k; t++) { \
                long l = p->backwards ? p->k - 1 - t : t; \
                number right = p->turned_b ? b[j + l * p->ldb] : b[l + j * p->ldb]; \
                if (p->turned_a) for (long i = 0; i < p->m; i++) column[i] += a[l + i * p->lda] * right; \
                else for (long i = 0; i < p->m; i++) column[i] += a[i + l * p->lda] * right; \
            } \
            for (long i = 0; i < p->m; i++) { \
                number found = alpha * column[i] + (beta == 0 ? 0 : beta * c[i + j * p->ldc]); \
                if (p->bias) found += ((const number *)p->bias)[i]; \
                d[i + j * p->ldd] = p->relu && !(found > 0) ? 0 : found; /* 0 for NaN, the worst that may be */ \
            } \
        } \
        free(column); \
    }
MULTIPLY(multiply_single, float)
MULTIPLY(multiply_double, double)

static int there(const char *which, const void *at, long rows, long columns, long ld, int wide) {
    if (!rows || !columns) return 1;
    unsigned long bytes = (unsigned long)((columns - 1) * ld + rows) * wide;
    if (emulated_owns(at, bytes) && (unsigned long)at % wide == 0) return 1;
    fprintf(stderr, "emulated GPU: a product's %s matrix, %ld by %ld at %p, leaves its memory\n", which, rows, columns, at);
    return 0;
}

static CUresult run_product(void *data) {
    static int calls;
    struct product *p = data;
    if (p->unsteady) p->backwards = calls++ % 2;
    if (p->also_bytes && !emulated_owns(p->also, p->also_bytes)) {
        fprintf(stderr, "emulated GPU: a product's workspace of %zu bytes at %p leaves its memory\n", p->also_bytes, p->also);
        return CUDA_ERROR_ILLEGAL_ADDRESS;
    }
    if (p->bias && !there("bias as a", p->bias, p->m, 1, p->m, p->wide)) return CUDA_ERROR_ILLEGAL_ADDRESS;
    for (long k = 0; k < p->batch; k++) {
        const char *a = p->a, *b = p->b, *c = p->c;
        char *d = p->d;
        if (p->listed) {
            if (!emulated_owns(p->a, p->batch * sizeof a) || !emulated_owns(p->b, p->batch * sizeof b) ||
                !emulated_owns(p->d, p->batch * sizeof d)) return CUDA_ERROR_ILLEGAL_ADDRESS;
            a = ((const char *const *)p->a)[k], b = ((const char *const *)p->b)[k], d = ((char *const *)p->d)[k], c = d;
        } else {
            a += k * p->step_a * p->wide, b += k * p->step_b * p->wide;
            c += k * p->step_c * p->wide, d += k * p->step_d * p->wide;
        }
        if (!there("first", a, p->turned_a ? p->k : p->m, p->turned_a ? p->m : p->k, p->lda, p->wide) ||
            !there("second", b, p->turned_b ? p->n : p->k, p->turned_b ? p->k : p->n, p->ldb, p->wide) ||
            !there("resulting", d, p->m, p->n, p->ldd, p->wide))
            return CUDA_ERROR_ILLEGAL_ADDRESS;
        if (p->wide == 4) multiply_single(p, (const float *)a, (const float *)b, (const float *)c, (float *)d);
        else multiply_double(p, (const double *)a, (const double *)b, (const double *)c, (double *)d);
    }
    return CUDA_SUCCESS;
}

CUresult put_product(CUstream stream, const struct product *product) {
    return emulated_put(stream, run_product, product, sizeof *product);
}
