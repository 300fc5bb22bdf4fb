// The command line in a process of its own: `NAME=value` of the environment first, then the command.
import { runCli } from '../../src/cli.ts';

const isSetting = (arg: string): boolean => /^[A-Z_]+=/.test(arg);
const args = process.argv.slice(2);
for (const name of Object.keys(process.env)) if (name.startsWith('DRAWBRIDGE_')) delete process.env[name];
const command = args.slice(args.findIndex((arg) => !isSetting(arg)));
for (const setting of args.slice(0, args.length - command.length)) {
  const [name = '', ...value] = setting.split('=');
  process.env[name] = value.join('=');
}
await runCli(command);
