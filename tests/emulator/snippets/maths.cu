// CUDA's own functions, as they come out of the compiler.
#define ONE(name, type, text) \
    extern "C" __global__ void name(type *out, const type *a, int n) { \
        const int i = blockIdx.x * blockDim.x + threadIdx.x; \
        if (i < n) { const type x = a[i]; out[i] = text; } \
    }
ONE(exp_f32, float, expf(x)) ONE(exp_f64, double, exp(x))
ONE(expm1_f32, float, expm1f(x)) ONE(expm1_f64, double, expm1(x))
ONE(log_f32, float, logf(x)) ONE(log_f64, double, log(x))
ONE(log1p_f32, float, log1pf(x)) ONE(log1p_f64, double, log1p(x))
ONE(tanh_f32, float, tanhf(x)) ONE(tanh_f64, double, tanh(x))
ONE(erf_f32, float, erff(x)) ONE(erf_f64, double, erf(x))
ONE(sin_f32, float, sinf(x)) ONE(sin_f64, double, sin(x))
ONE(cos_f32, float, cosf(x)) ONE(cos_f64, double, cos(x))
ONE(sqrt_f32, float, sqrtf(x)) ONE(sqrt_f64, double, sqrt(x))
ONE(rsqrt_f32, float, rsqrtf(x)) ONE(rsqrt_f64, double, rsqrt(x))
ONE(inverse_f32, float, 1.0f / x) ONE(inverse_f64, double, 1.0 / x)
ONE(sigmoid_f32, float, 1.0f / (1.0f + expf(-x))) ONE(sigmoid_f64, double, 1.0 / (1.0 + exp(-x)))
