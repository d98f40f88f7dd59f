INLINE int64_t bits_of(double x) { int64_t n; memcpy(&n, &x, 8); return n; }
INLINE double from_bits(int64_t n) { double x; memcpy(&x, &n, 8); return x; }
