/* Tensor cores, from compute capability 8.0 on (NVIDIA, Parallel Thread Execution ISA: cvt, mma, and the fragments of
   mma.m16n8k8 for .tf32). The shim that runs kernels on a processor brings both functions itself. */
#ifndef GPUBP_HOST
/* The nearest number of ten bits after the point, of two the one away from zero. */
INLINE float as_tf32(float x) {
    uint32_t bits;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
    return __int_as_float(bits);
}
/* All 32 threads of a warp add the product of a, 16 by 8, and b, 8 by 8, to sums, 16 by 8. Of row r and term k thread
   4 (r % 8) + k % 4 has a(r / 8 + k / 4 * 2), of term k and column c thread 4 c + k % 4 has b(k / 4), and of row r and
   column c thread 4 (r % 8) + c / 2 has sum(r / 8 * 2 + c % 2). */
INLINE void mma_tf32(float &s0, float &s1, float &s2, float &s3, float a0, float a1, float a2, float a3, float b0,
                     float b1) {
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                 "{%0, %1, %2, %3};"
                 : "+f"(s0), "+f"(s1), "+f"(s2), "+f"(s3)
                 : "r"(__float_as_int(a0)), "r"(__float_as_int(a1)), "r"(__float_as_int(a2)), "r"(__float_as_int(a3)),
                   "r"(__float_as_int(b0)), "r"(__float_as_int(b1)));
}
#endif
/* Several at once. */
template <int N> INLINE Pack<float, N> as_tf32(Pack<float, N> x) {
    #pragma unroll
    for (int i = 0; i < N; i++) x.at[i] = as_tf32(x.at[i]);
    return x;
}
