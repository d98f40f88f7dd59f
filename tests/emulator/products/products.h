/* Products of matrices for the doubles of cuBLAS and cuBLASLt: plain loops, run as work of a stream of the emulated driver,
   so that they are captured like kernels. Matrices lie column by column. */
#ifndef EMULATED_PRODUCTS_H
#define EMULATED_PRODUCTS_H

#include <cuda.h>
#include <stddef.h>

struct product {
    int wide; /* bytes of a number: 4 or 8 */
    int turned_a, turned_b;
    long m, n, k, lda, ldb, ldc, ldd;
    const void *a, *b, *c; /* d = alpha a b + beta c; arrays of addresses where `listed` */
    void *d;
    long step_a, step_b, step_c, step_d, batch;
    int listed;
    const void *bias; /* where not NULL: a number for each row of d, added to its columns */
    int relu; /* whether they are rectified then */
    int backwards; /* the terms of a sum, last to first */
    int unsteady; /* each time another way */
    double alpha, beta;
    const void *alpha_at, *beta_at; /* where not NULL: read when it runs */
    const void *also; /* other memory that has to be there, such as a workspace, and its bytes */
    size_t also_bytes;
};

/* 0, or why it cannot be: a leading dimension that is too small, a negative size. */
const char *product_fault(const struct product *product);
CUresult put_product(CUstream stream, const struct product *product);

/* Of the emulated driver. */
CUresult emulated_put(CUstream stream, CUresult (*call)(void *), const void *data, size_t bytes);
int emulated_owns(const void *address, unsigned long bytes);
#endif
