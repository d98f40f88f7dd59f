/* Near 0 the Taylor series; else 1 - erfc, erfc(a) = t exp(-a^2) P(2t - 1), t = 2 / (2 + a), P a Chebyshev series. */
INLINE float erf_f32(float x) {
    double y = x, a = fabs(y), z = y * y, t = 2.0 / (2.0 + a), u = FMA(2.0, t, -1.0);
    double q = 1.0 / 685440;
    q = FMA(q, z, -1.0 / 75600);
    q = FMA(q, z, 1.0 / 9360);
    q = FMA(q, z, -1.0 / 1320);
    q = FMA(q, z, 1.0 / 216);
    q = FMA(q, z, -1.0 / 42);
    q = FMA(q, z, 1.0 / 10);
    q = FMA(q, z, -1.0 / 3);
    double small = FMA(q * z, y, y) * 1.1283791670955126;
    double p = 6.597367302900275e-09;
    p = FMA(p, u, -4.946607757245824e-09);
    p = FMA(p, u, -5.145629434357736e-08);
    p = FMA(p, u, 6.610183151765426e-08);
    p = FMA(p, u, 1.497143526022312e-07);
    p = FMA(p, u, -3.7163646958410467e-07);
    p = FMA(p, u, 1.5720540066794157e-08);
    p = FMA(p, u, 1.0739744686311663e-06);
    p = FMA(p, u, -1.835078540898153e-06);
    p = FMA(p, u, -6.050557593208622e-07);
    p = FMA(p, u, 8.06710621122023e-06);
    p = FMA(p, u, -1.0831436166846611e-05);
    p = FMA(p, u, -1.7076638145079572e-05);
    p = FMA(p, u, 7.223098558594817e-05);
    p = FMA(p, u, -1.71852541704069e-05);
    p = FMA(p, u, -0.00033153601371393716);
    p = FMA(p, u, 0.0004186479710660508);
    p = FMA(p, u, 0.0015453059557186107);
    p = FMA(p, u, -0.0032395925295271534);
    p = FMA(p, u, -0.010755330940908886);
    p = FMA(p, u, 0.01822111575329492);
    p = FMA(p, u, 0.13973604627794914);
    p = FMA(p, u, 0.3435803422069067);
    p = FMA(p, u, 0.5107913526210117);
    double large = FMA(-t * p, exp_wide(-z), 1.0);
    large = a < 6.0 ? large : 1.0;
    large = y < 0.0 ? -large : large;
    return (float)(a < 0.5 ? small : y != y ? y : large);
}
INLINE double erf_f64(double x) { return erf(x); }
