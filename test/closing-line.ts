import type { Reporter, TestModule } from 'vitest/node';

/** Ends a test run with one plain line that any CI can read: `12 passed, 0 failed`. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    let passed = 0;
    let failed = unhandled.length;
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      passed += tests.filter((test) => test.result().state === 'passed').length;
      const broken = tests.filter((test) => test.result().state === 'failed').length;
      failed += broken === 0 && module.state() === 'failed' ? 1 : broken; // a file that never got to its tests
    }
    // After the default reporter's summary, which is printed by the same event.
    setImmediate(() => process.stdout.write(`${passed} passed, ${failed} failed\n`));
  }
}
