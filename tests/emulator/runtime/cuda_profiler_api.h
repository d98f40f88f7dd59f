/* What CuPy's text includes, and no wheel that is needed here has. */
#ifdef __cplusplus
extern "C" {
#endif
int cudaProfilerStart(void);
int cudaProfilerStop(void);
#ifdef __cplusplus
}
#endif
