int step_0(char *arena, void *const *tables) {
    const char *const numbers = (const char *)tables[2];
    /* the optimizer */
    {
        const double *const gradient_at = (const double *)(arena + 0);
        double *const t1_at = (double *)(arena + 1664);
        double t0_row[100];
        EACH
        for (int64_t j = 0; j < 100; j++) {
            const double t0 = absolute_f64(gradient_at[j]);
            t0_row[j] = t0;
        }
        const double t1 = max_f64(t0_row, 100);
        t1_at[0] = t1;
    }
    /* the optimizer */
    {
        const double *const t1_at = (const double *)(arena + 1664);
        bool8 *const t2_at = (bool8 *)(arena + 832);
        const bool8 t2 = (t1_at[0] - t1_at[0] == 0);
        t2_at[0] = t2;
    }
    /* skip the update if a gradient is not finite */
    {
        const bool8 *const t2_at = (const bool8 *)(arena + 832);
        if (!t2_at[0]) return 1;
    }
    /* the optimizer */
    {
        double *const v_at = (double *)tables[1];
        const double *const gradient_at = (const double *)(arena + 0);
        double *const p_2_at = (double *)tables[0];
        const double number0 = NUMBER(double, 0); /* 0.9 */
        const double number1 = NUMBER(double, 1); /* 0.1 */
        EACH
        for (int64_t j = 0; j < 100; j++) {
            const double t3 = number0 * v_at[j];
            const double t4 = number1 * gradient_at[j];
            const double t5 = t3 - t4;
            const double t6 = p_2_at[j] + t5;
            v_at[j] = t5;
            p_2_at[j] = t6;
        }
    }
    return 0;
}
