/* One permutation of n rows: each row from the last on changes places with one drawn among those up to it (Fisher and
   Yates; Durstenfeld 1964, Algorithm 235). */
static void shuffle(int64_t *order, int64_t n, uint64_t seed, uint64_t epoch) {
    for (int64_t i = 0; i < n; i++) order[i] = i;
    uint32_t last = n ? (uint32_t)(n - 1) : 0, bits = bits_of(last);
    for (uint64_t block = 1; last; block++) {
        uint32_t words[8];
        philox64(block, seed, epoch, words);
        for (int k = 0; k < 8 && last; k++) {
            /* No branch, since none could be foretold: a row may change places with itself. */
            const uint32_t word = words[k] & bits, taken = word <= last, other = taken ? word : last;
            const int64_t row = order[last];
            order[last] = order[other], order[other] = row;
            last -= taken;
            bits >>= last <= bits >> 1;
        }
    }
}

/* The permutations of up to 2^32 rows of so many epochs from one on, for each of several seeds. */
void orders(int64_t n, const uint64_t *seeds, int64_t count, uint64_t epoch, int64_t epochs, int64_t *to) {
    for (int64_t k = 0; k < count; k++)
        for (int64_t i = 0; i < epochs; i++, to += n) shuffle(to, n, seeds[k], epoch + (uint64_t)i);
}
