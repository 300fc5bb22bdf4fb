import type { Command } from 'commander';
import { usageFailure } from './exit.ts';

/** `help`, `help user`, `help user add`: commander's own command knows the first two only. */
export const addHelp = (program: Command): void => {
  program
    .helpCommand(false)
    .command('help')
    .argument('[command...]', 'command, such as user add')
    .description('show how a command is used')
    .action((path: readonly string[]) => {
      let command = program;
      for (const name of path) {
        const next = command.commands.find((one) => one.name() === name || one.aliases().includes(name));
        if (next === undefined)
          throw usageFailure(`There is no command ${path.join(' ')}. Type: drawbridge help`);
        command = next;
      }
      command.outputHelp();
    });
};
