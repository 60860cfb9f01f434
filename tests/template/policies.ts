import type { Template } from '../../local/template.ts';

export type Statement = { Action: string | string[]; Resource: unknown };
export type Policy = { Statement: Statement[] };

export const policiesOfFunction = (template: Template, logicalId: string): Policy[] =>
  (template.Resources[logicalId]?.Properties?.Policies ?? []) as Policy[];

/** What the state machine may call. Logging and tracing are left out: only AWS makes those calls. */
export const policiesOfStateMachine = (template: Template): Policy[] => {
  const inline = template.Resources.ProcessPendingRole?.Properties?.Policies as { PolicyDocument: Policy }[];
  const attached = template.Resources.StartBatchesPolicy?.Properties?.PolicyDocument as Policy;
  return [...inline.map(({ PolicyDocument }) => PolicyDocument), attached].map(({ Statement }) => ({
    Statement: Statement.filter(({ Action }) => !/^(logs|xray):/.test([Action].flat().join())),
  }));
};
