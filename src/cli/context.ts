import type { Command } from 'commander';
import pc from 'picocolors';
import { formatFault } from '../config/parsing/fault.ts';
import { type LoadedServerSettings, loadServerSettings } from '../config/server/load-server-settings.ts';
import { CommandFailure, exitCodes } from './exit.ts';

/** The options that are allowed before or after every verb. */
export interface GlobalOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** The parts of the process that a verb uses. */
export interface CliContext {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly isJson: boolean;
  readonly isQuiet: boolean;
  readonly configFile: string | undefined;
  readonly colors: ReturnType<typeof pc.createColors>;
  /** A result, on standard output. */
  readonly print: (line: string) => void;
  /** A result for programs when `--json` was given, else for people. */
  readonly printResult: (value: unknown, lines: () => readonly string[]) => void;
  /** Writes notes beside the result to standard error; nothing with `--quiet`. */
  readonly note: (line: string) => void;
}

export const createContext = (options: GlobalOptions): CliContext => {
  const print = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  return {
    env: process.env,
    cwd: process.cwd(),
    isJson: options.json ?? false,
    isQuiet: options.quiet ?? false,
    configFile: options.config,
    colors: pc.createColors(process.stderr.isTTY && pc.isColorSupported),
    print,
    printResult: (value, lines) => {
      if (options.json) print(JSON.stringify(value, undefined, 2));
      else for (const line of lines()) print(line);
    },
    note: (line) => {
      if (!options.quiet) process.stderr.write(`${line}\n`);
    },
  };
};

/** The options of the verb that is being run. */
export const contextOf = (command: Command): CliContext =>
  createContext(command.optsWithGlobals<GlobalOptions>());

export type GoodSettings = Extract<LoadedServerSettings, { readonly settings: unknown }>;

/**
 * The settings, after the warnings are printed.
 * @throws CommandFailure with all faults and exit code 78
 */
export const requireSettings = (
  context: CliContext,
  flags: Readonly<Record<string, string>> = {},
): GoodSettings => {
  const { env, cwd, configFile } = context;
  const loaded = loadServerSettings({ file: configFile, env, cwd, flags });
  for (const warning of loaded.warnings) context.note(`${context.colors.yellow('warning')} ${warning}`);
  if ('settings' in loaded) return loaded;
  throw new CommandFailure(loaded.faults.map(formatFault).join('\n'), exitCodes.badConfig);
};
