template <int N> INLINE void train_task0(char *arena, const Tables<N> &tables, int block, int thread) {
    const float *const t20_at = (const float *)(arena + 320);
    float *const t21_at = (float *)(arena + 384);
    const int row = block * 8 + thread / 4, lane = thread % 4;
    if (row >= 1) return;
    const uint32_t mask = 0xfu;
    float t21_all = 0;
    for (int k = 0; k < 1; k++) {
        const int j = lane + k * 4;
        if (j < 4) {
            t21_all = t21_all + t20_at[j];
        }
    }
    for (int m = 2; m; m /= 2) t21_all = t21_all + __shfl_xor_sync(mask, t21_all, m, 4);
    const float t21 = t21_all;
    if (lane == 0) {
        t21_at[0] = t21;
    }
}

template <int N> INLINE void train_task1(char *arena, const Tables<N> &tables, int block, int thread) {
    float *const t24_at = (float *)(arena + 1280);
    const float *const t23_at = (const float *)(arena + 256);
    const int at = block * 8 + thread / 4, lane = thread % 4;
    if (at >= 1) return;
    const uint32_t mask = 0xfu;
    const int row = at;
    float total_all = 0;
    #pragma unroll 4
    for (int r = lane; r < 4; r += 4) {
        const int r0 = r;
        total_all = total_all + t23_at[r0];
    }
    for (int m = 2; m; m /= 2) total_all = total_all + __shfl_xor_sync(mask, total_all, m, 4);
    if (lane == 0) {
        const float total = total_all;
        t24_at[0] = total;
    }
}

template <int N> INLINE void train_task2(char *arena, const Tables<N> &tables, int block, int thread) {
    float *const t30_at = (float *)(arena + 1152);
    const float *const t29_at = (const float *)(arena + 320);
    const int slice = thread / 4;
    const int group = block % 1, piece = block / 1;
    const int column = group * 4 + thread % 4;
    float total_all[1] = {0};
    if (column < 3) {
        #pragma unroll 4
        for (int row = piece * 8 + slice; row < 4; row += 8) {
            const int i0 = column;
            const int r0 = row;
            #pragma unroll
            for (int v = 0; v < 1; v++) {
                total_all[v] = total_all[v] + t29_at[i0 + r0 * 3];
            }
        }
    }
    __shared__ float total_parts[8][4];
    #pragma unroll
    for (int v = 0; v < 1; v++) {
        total_parts[thread / 4][thread % 4] = total_all[v];
    }
    meet<1, 32>();
    if (const int k = thread; k < 4) {
        const int column = group * 4 + k % 4;
        if (column < 3) {
            float total_joined = total_parts[0][k % 4];
            for (int s = 1; s < 8; s++) {
                total_joined = total_joined + total_parts[s][k % 4];
            }
            const int i0 = column;
            t30_at[i0] = (float)total_joined;
        }
    }
}

template <int N> INLINE void train_task3(char *arena, const Tables<N> &tables, int block, int thread) {
    const float *const t39_at = (const float *)(arena + 1088);
    float *const t33_at = (float *)(arena + 256);
    const int row = block * 1 + thread / 32, lane = thread % 32;
    const uint32_t mask = 0xffffffffu;
    float t33_all = -INFINITY;
    #pragma unroll 2
    for (int k = 0; k < 2; k++) {
        const int j = lane + k * 32;
        if (j < 64) {
            const float t32 = absolute_f32(t39_at[j]);
            t33_all = larger_f32(t33_all, t32);
        }
    }
    for (int m = 16; m; m /= 2) t33_all = larger_f32(t33_all, __shfl_xor_sync(mask, t33_all, m, 32));
    const float t33 = t33_all;
    if (lane == 0) {
        t33_at[0] = t33;
    }
}

template <int N> INLINE void train_task4(char *arena, const Tables<N> &tables, int block, int thread) {
    const float *const t33_at = (const float *)(arena + 256);
    bool8 *const t34_at = (bool8 *)(arena + 320);
    const int row = block * 32 + thread / 1, lane = thread % 1;
    if (row >= 1) return;
    const uint32_t mask = 0x1u;
    const bool8 t34 = (t33_at[0] - t33_at[0] == 0);
    t34_at[0] = t34;
}

template <int N> INLINE void train_task5(char *arena, const Tables<N> &tables, int block, int thread) {
    const double *const rate_scale_at = (const double *)(arena + 1024);
    float *const t17_at = (float *)(arena + 192);
    const double number0 = NUMBER(double, 0); /* 0.1 */
    const int row = block * 32 + thread / 1, lane = thread % 1;
    if (row >= 1) return;
    const uint32_t mask = 0x1u;
    const double t16 = rate_scale_at[0] * number0;
    const float t17 = (float)t16;
    t17_at[0] = t17;
}

template <int N> INLINE void train_task6(char *arena, const Tables<N> &tables, int block, int thread) {
    int64_t *const step_at = (int64_t *)(arena + 704);
    const int row = block * 32 + thread / 1, lane = thread % 1;
    if (row >= 1) return;
    const uint32_t mask = 0x1u;
    const int64_t t37 = step_at[0] + 1LL;
    step_at[0] = t37;
}

/* many steps; each block trains one net */
extern "C" __global__ void __launch_bounds__(160, 1) train_block(
    char *whole, const Tables<8> tables, int64_t *control) {
    __shared__ Pack<int, 4> room[84];
    char *const arena = in_register(room);
    const int64_t net = blockIdx.x;
    bool8 *const going = (bool8 *)control[5] + net;
    if (!*going) return;
    move<8, 160>(arena + 704, tables[0] + net * 8, threadIdx.x);
    move<256, 160>(arena + 768, tables[1] + net * 256, threadIdx.x);
    move<8, 160>(arena + 1024, tables[2] + net * 8, threadIdx.x);
    move<256, 160>(arena + 1088, tables[3] + net * 256, threadIdx.x);
    const int64_t epoch = control[0], count = control[1];
    const int64_t left = control[2];
    int64_t s = control[10 + 2 * net], first = control[10 + 2 * net + 1];
    int64_t stop = left - s < 2048 ? left : s + 2048;
    const int64_t fit = (epoch - first % epoch) / 4;
    if (fit < stop - s) stop = s + fit;
    const int64_t *order = (const int64_t *)control[3];
    if (order) order += net * count;
    __syncthreads();
    for (; s < stop; s++) {
        if (threadIdx.x < 128) {
            {
                const int thread = threadIdx.x;
                if (thread < 32) {
                    /* the next batch */
                    {
                        int64_t piece0;
                        if (const int q = thread; q < 4) {
                            const int i = q / 1, e = q % 1;
                            const int64_t row = order ? order[first + i] : first + i;
                            piece0 = ((const int64_t *)control[6])[row * 1 + e];
                        }
                        int piece1;
                        if (const int q = thread; q < 4) {
                            const int i = q / 1, e = q % 1;
                            const int64_t row = order ? order[first + i] : first + i;
                            piece1 = ((const int *)control[7])[row * 1 + e];
                        }
                        if (const int q = thread; q < 4) ((int64_t *)(arena + 0))[q] = piece0;
                        if (const int q = thread; q < 4) ((int *)(arena + 64))[q] = piece1;
                    }
                    __syncwarp(0xffffffff);
                    /* hidden.dense: dense(3, init = normal); hidden.sigmoid: sigmoid */
                    {
                        const float *const parameters_at = (const float *)(arena + 832);
                        float *const hidden_at = (float *)(arena + 128);
                        const float *const x_2_at = (const float *)(arena + 0);
                        const float *const parameters_at_ = (const float *)(arena + 768);
                        if (const int q = thread; q < 12) {
                            const int i = q / 3;
                            const int j = q % 3;
                            float sum = 0;
                            #pragma unroll 8
                            for (int p = 0; p < 2; p++) sum = fmaf(x_2_at[i * 2 + p], parameters_at_[p * 3 + j], sum);
                            const float t18 = sum;
                            const float hidden_dense = t18 + parameters_at[j];
                            const float hidden = sigmoid_f32(hidden_dense);
                            hidden_at[i * 3 + j] = hidden;
                        }
                    }
                    __syncwarp(0xffffffff);
                    /* p.dense: dense(1, init = normal); train.loss.binary_cross_entropy: binary_cross_entropy(p, y); back through train.loss.binary_cross_entropy: binary_cross_entropy(p, y) */
                    {
                        const float *const parameters_at = (const float *)(arena + 960);
                        const float *const y_2_at = (const float *)(arena + 64);
                        float *const t20_at = (float *)(arena + 320);
                        float *const t23_at = (float *)(arena + 256);
                        const float *const hidden_at = (const float *)(arena + 128);
                        const float *const parameters_at_ = (const float *)(arena + 896);
                        if (const int q = thread; q < 4) {
                            const int i = q;
                            const int j = q % 1;
                            float sum = 0;
                            #pragma unroll 8
                            for (int p = 0; p < 3; p++) sum = fmaf(hidden_at[i * 3 + p], parameters_at_[p], sum);
                            const float t19 = sum;
                            const float p_dense = t19 + parameters_at[0];
                            const float t20 = logaddexp_f32(p_dense * (1 - y_2_at[i]), -(p_dense * y_2_at[i]));
                            const float t22 = sigmoid_f32(p_dense);
                            const float t23 = t22 - y_2_at[i];
                            t20_at[i] = t20;
                            t23_at[i] = t23;
                        }
                    }
                    __syncwarp(0xffffffff);
                    /* the loss: the mean over the batch */
                    train_task0(arena, tables, thread / 32, thread % 32);
                    __syncwarp(0xffffffff);
                    /* back through p.dense: dense(1, init = normal); back through hidden.sigmoid: sigmoid */
                    {
                        const float *const hidden_at = (const float *)(arena + 128);
                        float *const t29_at = (float *)(arena + 320);
                        const float *const t23_at = (const float *)(arena + 256);
                        const float *const parameters_at = (const float *)(arena + 896);
                        if (const int q = thread; q < 12) {
                            const int i = q / 3;
                            const int j = q % 3;
                            float sum = 0;
                            #pragma unroll 8
                            for (int p = 0; p < 1; p++) sum = fmaf(t23_at[i], parameters_at[j], sum);
                            const float t25 = sum;
                            const float t27 = 1.0f - hidden_at[i * 3 + j];
                            const float t28 = hidden_at[i * 3 + j] * t27;
                            const float t29 = t25 * t28;
                            t29_at[i * 3 + j] = t29;
                        }
                    }
                }
            }
            meet<15, 128>();
            /* back through p.dense: dense(1, init = normal) */
            {
                const int thread = threadIdx.x;
                if (thread < 32) train_task1(arena, tables, thread / 32, thread % 32);
            }
            /* back through p.dense: dense(1, init = normal) */
            {
                const int thread = (threadIdx.x + 96) % 128;
                float *const t26_at = (float *)(arena + 1216);
                const float *const hidden_at = (const float *)(arena + 128);
                const float *const t23_at = (const float *)(arena + 256);
                if (const int q = thread; q < 3) {
                    const int i = q;
                    const int j = q % 1;
                    float sum = 0;
                    #pragma unroll 8
                    for (int p = 0; p < 4; p++) sum = fmaf(hidden_at[i + p * 3], t23_at[p], sum);
                    const float t26 = sum;
                    t26_at[i] = t26;
                }
            }
            /* back through hidden.dense: dense(3, init = normal) */
            {
                const int thread = (threadIdx.x + 64) % 128;
                if (thread < 32) train_task2(arena, tables, 0, thread);
            }
            /* back through hidden.dense: dense(3, init = normal) */
            {
                const int thread = (threadIdx.x + 32) % 128;
                float *const t31_at = (float *)(arena + 1088);
                const float *const x_2_at = (const float *)(arena + 0);
                const float *const t29_at = (const float *)(arena + 320);
                if (const int q = thread; q < 6) {
                    const int i = q / 3;
                    const int j = q % 3;
                    float sum = 0;
                    #pragma unroll 8
                    for (int p = 0; p < 4; p++) sum = fmaf(x_2_at[i + p * 2], t29_at[p * 3 + j], sum);
                    const float t31 = sum;
                    t31_at[i * 3 + j] = t31;
                }
            }
            meet<15, 128>();
            {
                const int thread = threadIdx.x;
                if (thread < 32) {
                    /* the largest gradient, and whether all are finite numbers */
                    train_task3(arena, tables, thread / 32, thread % 32);
                    __syncwarp(0xffffffff);
                    /* the largest gradient, and whether all are finite numbers */
                    train_task4(arena, tables, thread / 32, thread % 32);
                }
            }
        } else {
            /* the optimizer */
            {
                const int thread = threadIdx.x - 128;
                if (thread < 32) train_task5(arena, tables, thread / 32, thread % 32);
            }
        }
        __syncthreads();
        /* skip the update if a gradient is not finite */
        {
            const bool8 *const t34_at = (const bool8 *)(arena + 320);
            if (!t34_at[0]) break;
        }
        /* the optimizer */
        {
            const int thread = threadIdx.x;
            const float *const t17_at = (const float *)(arena + 192);
            const float *const t39_at = (const float *)(arena + 1088);
            float *const parameters_at = (float *)(arena + 768);
            if (const int q = thread; q < 64) {
                const int j = q;
                const float t35 = t17_at[0] * t39_at[j];
                const float t36 = parameters_at[j] - t35;
                parameters_at[j] = t36;
            }
        }
        {
            const int thread = (threadIdx.x + 96) % 160;
            if (thread < 32) train_task6(arena, tables, thread / 32, thread % 32);
        }
        /* the results */
        {
            const int thread = (threadIdx.x + 64) % 160;
            if (thread == 0) {
                const float *const t21_at = (const float *)(arena + 384);
                const float *const t0_at = (const float *)tables[4];
                ((float *)control[8])[net * control[4] + s] = t21_at[0];
                ((float *)control[9])[net * control[4] + s] = t0_at[0];
            }
        }
        __syncthreads();
        first = first + 4 < count ? first + 4 : 0;
    }
    move<8, 160>(tables[0] + net * 8, arena + 704, threadIdx.x);
    move<256, 160>(tables[1] + net * 256, arena + 768, threadIdx.x);
    move<8, 160>(tables[2] + net * 8, arena + 1024, threadIdx.x);
    move<256, 160>(tables[3] + net * 256, arena + 1088, threadIdx.x);
    if (net == 0) move<704, 160>(whole, arena, threadIdx.x);
    if (threadIdx.x == 0) {
        control[10 + 2 * net] = s, control[10 + 2 * net + 1] = first;
        if (s < stop) *going = 0;
    }
}
