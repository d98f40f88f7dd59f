// Functions, branches by an index, text, assertions.
#define ENTRY extern "C" __global__ void
typedef int (*Rule)(int, int);

__device__ __noinline__ int plus(int a, int b) { return a + b; }
__device__ __noinline__ int times(int a, int b) { return a * b; }
__device__ __noinline__ int gcd(int a, int b) { return b ? gcd(b, a % b) : a; }
__device__ Rule rules[] = {plus, times, gcd};
struct Three { double x; int y; float z; };
__device__ __noinline__ Three three(double x, int y) { Three t = {x * 2, y + 1, (float)y / 2}; return t; }
__device__ __noinline__ void forever(int *p, int n) { int a[64]; for (int i = 0; i < 64; i++) a[i] = n; *p += a[n % 64]; if (n > -2) forever(p, n + a[(n + 1) % 64] + 1); *p += a[1]; }

ENTRY called(int *out, int a, int b) { out[threadIdx.x] = rules[threadIdx.x % 3](a, b); }
ENTRY returned(double *out, const double *x) {
    const Three t = three(x[threadIdx.x], threadIdx.x);
    out[threadIdx.x] = t.x + t.y + t.z;
}
ENTRY deeper(int *out) { forever(out, 1); }
ENTRY chosen(int *out, const int *x) {
    int y = x[threadIdx.x];
    switch (y) {
    case 0: y = out[0] + 3; break;
    case 1: y = out[1] * 5; break;
    case 2: y = out[2] / 3; break;
    case 3: y = out[3] - 7; break;
    case 4: y = out[4] % 11; break;
    case 5: y = out[5] << 2; break;
    case 6: y = out[6] ^ 99; break;
    default: y = -1;
    }
    out[8 + threadIdx.x] = y;
}
ENTRY said(int n, double x) { if (threadIdx.x == 1) printf("%d of %s is %.3f, %llx%%\n", n, "it", x, 1ll << 40); }
ENTRY promised(const int *x) { assert(x[threadIdx.x] < 3); }
ENTRY stopped(int *out) { if (threadIdx.x == 2) { asm("exit;"); } out[threadIdx.x] = 1; if (threadIdx.x == 3) __trap(); }
