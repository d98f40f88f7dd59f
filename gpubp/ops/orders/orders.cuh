/* A warp makes one permutation, in the memory of its block: all threads draw words, 256 at a time, and the first changes
   the places of rows, as orders.c does. `control`: the number of rows, the first epoch, the number of epochs, and the
   seeds; blocks are numbered by seed and then by epoch, as the permutations lie in the only table. */
extern "C" __global__ void __launch_bounds__(32, 1) orders(
    char *arena, const Tables<1> tables, char *control) {
    ASKED_ROOM(3072);
    const int64_t *given = (const int64_t *)control;
    const uint32_t n = (uint32_t)given[0], thread = threadIdx.x;
    const uint64_t epoch = (uint64_t)(given[1] + blockIdx.x % given[2]);
    const uint64_t seed = (uint64_t)given[3 + blockIdx.x / given[2]];
    uint32_t *words = (uint32_t *)room, *order = words + 256;
    for (uint32_t i = thread; i < n; i += 32) order[i] = i;
    uint32_t last = n ? n - 1 : 0, bits = bits_of(last);
    for (uint64_t block = 1 + thread; last; block += 32) {
        __syncwarp(~0u);
        philox64(block, seed, epoch, words + 8 * thread);
        __syncwarp(~0u);
        if (thread == 0) {
            uint32_t next = words[0];  // read early: a read waits for the writes before it
            for (int k = 1; k <= 256 && last; k++) {
                const uint32_t word = next & bits, taken = word <= last, other = taken ? word : last;
                next = words[k];
                const uint32_t row = order[last];
                order[last] = order[other], order[other] = row;
                last -= taken;
                bits >>= last <= bits >> 1;
            }
        }
        last = __shfl_sync(~0u, last, 0);
    }
    __syncwarp(~0u);
    int64_t *to = (int64_t *)tables[0] + (int64_t)n * blockIdx.x;
    for (uint32_t i = thread; i < n; i += 32) to[i] = order[i];
}
