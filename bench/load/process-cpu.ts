import { readFile } from 'node:fs/promises';

/** Linux's clock ticks are hundredths of a second on every architecture that Node runs on. */
const microsPerTick = 10_000;

/**
 * User and system time of another program, in microseconds; undefined where it cannot be seen.
 * @param name of the program: elsewhere the same number is another's
 */
export const processCpuMicros = async (pid: number, name: string): Promise<number | undefined> => {
  try {
    if ((await readFile(`/proc/${pid}/comm`, 'utf8')).trim() !== name) return undefined;
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name of the program stands in brackets and may hold anything; utime and stime are fields 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * microsPerTick;
  } catch {
    return undefined;
  }
};
