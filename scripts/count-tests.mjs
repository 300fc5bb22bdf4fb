// Prints `<passed> <failed>` of a jest report. A suite that did not run, or a skipped test under CI, is a failure.
import { readFileSync } from 'node:fs';

const report = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const skipped = report.numPendingTests + report.numTodoTests;
const failed = report.numFailedTests + report.numRuntimeErrorTestSuites + skipped;
if (skipped > 0) console.error(`${skipped} tests were skipped: in CI every part must be there`);
if (report.numPassedTests === 0) throw new Error('no test ran');
console.log(`${report.numPassedTests} ${failed}`);
