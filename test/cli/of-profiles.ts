/** Parts of the page that only an app with a profile has: init-profile-host and init-profile-kubernetes in test/e2e print them. */
export const OF_PROFILES: readonly string[] = [
  ...['', '.app', '.profile', '.place'].map((rest) => `init.report.found?${rest}`),
  ...['notCaptured', 'undecided'].flatMap((list) =>
    ['', '[]', '[].what', '[].why'].map((rest) => `init.report.found?.${list}${rest}`),
  ),
  ...['', '.afterRestore', '.afterRestore[]', '.warnings', '.warnings[]', '.versions', '.versions[]'].map(
    (rest) => `restorePlan.advice?${rest}`,
  ),
]
