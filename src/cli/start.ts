import cluster from 'node:cluster';
import type { Command } from 'commander';
import { systemClock } from '../clock.ts';
import { createLog, type Log } from '../log.ts';
import { openBufferedOutput } from '../process/buffered-output.ts';
import { runPrimary } from '../process/run-primary.ts';
import { runSingle } from '../process/run-single.ts';
import { runWorker } from '../process/run-worker.ts';
import { createContext, type GlobalOptions, requireSettings } from './context.ts';

interface StartOptions extends GlobalOptions {
  readonly port?: string;
  readonly host?: string;
  readonly publicUrl?: string;
}

export const addStart = (program: Command): void => {
  program
    .command('start')
    .description('serve the tenants until asked to stop')
    .option('-p, --port <port>', 'in place of server.port')
    .option('--host <address>', 'in place of server.host')
    .option('--public-url <origin>', 'in place of server.publicUrl')
    .action(async (_, command: Command) => {
      process.exitCode = await start(command.optsWithGlobals<StartOptions>());
      // Sockets of the store's driver may stay open for a moment; everything that matters is closed.
      process.exit();
    });
};

const start = async (options: StartOptions): Promise<number> => {
  const isQuiet = (options.quiet ?? false) || cluster.isWorker;
  const context = createContext({ ...options, quiet: isQuiet });
  const { settings } = requireSettings(context, flagsOf(options));
  const [major = 0] = process.versions.node.split('.').map(Number);
  if (major < recommendedNode) {
    context.note(
      `Node ${process.versions.node} works; Node ${recommendedNode} is faster and still maintained.`,
    );
  }
  const parts = {
    settings,
    env: context.env,
    clock: systemClock,
    log: nameWorker(createLog(settings.log, openBufferedOutput())),
    showBanner: (lines: readonly string[]) => {
      // for people; a file or a collector of logs gets the same facts in JSON lines
      if (!process.stderr.isTTY) return;
      const [title = '', ...rest] = lines;
      for (const line of ['', context.colors.bold(title), ...rest, '']) context.note(line);
    },
  };
  if (cluster.isWorker) return runWorker(parts);
  return settings.server.workers > 1 ? runPrimary(parts) : runSingle(parts);
};

const recommendedNode = 24;

const nameWorker = (log: Log): Log =>
  cluster.worker === undefined ? log : log.child({ worker: cluster.worker.id });

const flagsOf = ({ port, host, publicUrl }: StartOptions): Readonly<Record<string, string>> => ({
  ...(port === undefined ? {} : { 'server.port': port }),
  ...(host === undefined ? {} : { 'server.host': host }),
  ...(publicUrl === undefined ? {} : { 'server.publicUrl': publicUrl }),
});
