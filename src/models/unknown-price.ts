/** What people are told of a model whose price nobody knows. @param name `openai/gpt-99` */
export function describeUnknownPrice(name: string): { readonly text: string; readonly fix: string } {
  return {
    text: `price of ${name} is not known: its calls are counted, but they are missing from cost and budgets`,
    fix: "add it under prices in the configuration file",
  };
}
