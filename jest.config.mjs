export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  injectGlobals: false,
  globalSetup: '<rootDir>/test/support/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
  testSequencer: '<rootDir>/test/support/slow-first-sequencer.mjs',
  testTimeout: 90_000, // a test that hangs ends; on a busy machine ten commands in a row take half a minute
  maxWorkers: 2,
  // modules of a test file stay in memory; near the limit of the heap all that follow are many times slower
  workerIdleMemoryLimit: '1GB',
};
