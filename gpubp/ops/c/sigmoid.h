INLINE float sigmoid_f32(float x) { return (float)(1.0 / (1.0 + exp_wide(-(double)x))); }
INLINE double sigmoid_f64(double x) { return 1.0 / (1.0 + exp_f64(-x)); }
