export default async () => {
  await globalThis.drawbridgeMongod?.stop();
};
