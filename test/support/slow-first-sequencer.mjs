import Sequencer from '@jest/test-sequencer';

/** Slowest first: browsers, then processes and stores of their own. */
const folders = ['pages', 'process', 'contract', 'flows', 'connectors', 'unit'];

const rank = ({ path }) => {
  const at = folders.findIndex((folder) => path.includes(`/test/${folder}/`));
  return at < 0 ? folders.length : at;
};

/**
 * Jest begins with what took longest in the run before. A run without one, as in CI, would go by the size of files, and
 * the slowest of ours are among the smallest: one worker would end with them, the other idle.
 */
export default class SlowFirstSequencer extends Sequencer {
  async sort(tests) {
    const sorted = await super.sort(tests);
    if (sorted.some(({ duration }) => duration !== undefined)) return sorted;
    return [...sorted].sort((one, other) => rank(one) - rank(other)); // stable
  }
}
