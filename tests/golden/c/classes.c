int step_0(char *arena, void *const *tables) {
    {
        float *const t0_at = (float *)(arena + 64);
        const float *const table_at = (const float *)tables[0];
        const int64_t *const labels_at = (const int64_t *)(arena + 0);
        for (int64_t i0 = 0; i0 < 4; i0++) {
            EACH
            for (int64_t i1 = 0; i1 < 3; i1++) {
                t0_at[i0 * 3 + i1] = table_at[index_within(labels_at[i0], 6) * 3 + i1];
            }
        }
    }
    {
        float *const t1_at = (float *)(arena + 128);
        const int64_t *const labels_at = (const int64_t *)(arena + 0);
        for (int64_t i0 = 0; i0 < 4; i0++) {
            EACH
            for (int64_t i1 = 0; i1 < 3; i1++) {
                t1_at[i0 * 3 + i1] = (labels_at[i0] == i1);
            }
        }
    }
    {
        const float *const t1_at = (const float *)(arena + 128);
        const float *const t0_at = (const float *)(arena + 64);
        float *const t3_at = (float *)(arena + 192);
        EACH
        for (int64_t j = 0; j < 12; j++) {
            const bool8 t2 = t1_at[j] > t0_at[j];
            const float t3 = (t2 ? t1_at[j] : (-0.5f));
            t3_at[j] = t3;
        }
    }
    {
        float *const t4_at = (float *)(arena + 0);
        const float *const t3_at = (const float *)(arena + 192);
        EACH
        for (int64_t i0 = 0; i0 < 3; i0++) {
            t4_at[i0] = 0;
        }
        for (int64_t i0 = 0; i0 < 4; i0++) {
            EACH
            for (int64_t i1 = 0; i1 < 3; i1++) {
                t4_at[i1] = t4_at[i1] + t3_at[i0 * 3 + i1];
            }
        }
    }
    return 0;
}
