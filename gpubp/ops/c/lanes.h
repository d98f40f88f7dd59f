/* Interleave n elements, `size` bytes each, of up to LANES copies, which follow each other in memory. `used`: how many
   copies there are; the remaining lanes repeat the last. from_lanes writes the lanes of `which` back. */
INLINE void to_lanes(char *to, const char *from, int64_t n, int64_t size, int64_t used) {
    for (int64_t i = 0; i < n; i++)
        for (int64_t l = 0; l < LANES; l++)
            memcpy(to + (i * LANES + l) * size, from + ((l < used ? l : used - 1) * n + i) * size, size);
}
INLINE void from_lanes(char *to, const char *from, int64_t n, int64_t size, const bool8 *which) {
    for (int64_t l = 0; l < LANES; l++)
        for (int64_t i = 0; which[l] && i < n; i++) memcpy(to + (l * n + i) * size, from + (i * LANES + l) * size, size);
}
