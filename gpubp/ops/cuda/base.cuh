/* What kernels are written in. The compiler is NVRTC, which brings no headers; a shim that runs them on a processor
   defines GPUBP_HOST, and brings the types itself. */
#ifndef GPUBP_HOST
typedef unsigned char uint8_t;
typedef int int32_t;
typedef unsigned int uint32_t;
typedef long long int64_t;
typedef unsigned long long uint64_t;
#define INFINITY __int_as_float(0x7f800000)
#define NAN __int_as_float(0x7fffffff)
#endif
typedef unsigned char bool8;
#define INLINE static __device__ __forceinline__
#define THREAD (blockIdx.x * blockDim.x + threadIdx.x)
#define THREADS (gridDim.x * blockDim.x)

/* Elements that are read or written by one access of up to 16 bytes. */
template <class T, int N> struct alignas(sizeof(T) * N) Pack { T at[N]; };

/* The memory of states and constants, by number. */
template <int N> struct Tables {
    char *at[N];
    __device__ char *operator[](int i) const { return at[i]; }
};
