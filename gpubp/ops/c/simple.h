INLINE float sqrt_f32(float x) { return sqrtf(x); }
INLINE double sqrt_f64(double x) { return sqrt(x); }
INLINE float sin_f32(float x) { return sinf(x); }
INLINE double sin_f64(double x) { return sin(x); }
INLINE float cos_f32(float x) { return cosf(x); }
INLINE double cos_f64(double x) { return cos(x); }
INLINE float power_f32(float x, float y) { return powf(x, y); }
INLINE double power_f64(double x, double y) { return pow(x, y); }
INLINE float absolute_f32(float x) { return fabsf(x); }
INLINE double absolute_f64(double x) { return fabs(x); }
INLINE float floor_f32(float x) { return floorf(x); }
INLINE double floor_f64(double x) { return floor(x); }
INLINE float sign_f32(float x) { return x > 0 ? 1 : x < 0 ? -1 : x == 0 ? 0 : x; }
INLINE double sign_f64(double x) { return x > 0 ? 1 : x < 0 ? -1 : x == 0 ? 0 : x; }
INLINE int64_t index_within(int64_t i, int64_t n) {
    i = i < 0 ? i + n : i;
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}
