/* n elements of LANES copies, which lie copy by copy, beside each other: `here` copies are there, and the last one
   stands for those that are not. And back, of the lanes of `which`. */
INLINE void to_lanes(char *to, const char *from, int64_t n, int64_t size, int64_t here) {
    for (int64_t i = 0; i < n; i++)
        for (int64_t l = 0; l < LANES; l++)
            memcpy(to + (i * LANES + l) * size, from + ((l < here ? l : here - 1) * n + i) * size, size);
}
INLINE void from_lanes(char *to, const char *from, int64_t n, int64_t size, const bool8 *which) {
    for (int64_t l = 0; l < LANES; l++)
        for (int64_t i = 0; which[l] && i < n; i++) memcpy(to + (l * n + i) * size, from + (i * LANES + l) * size, size);
}
