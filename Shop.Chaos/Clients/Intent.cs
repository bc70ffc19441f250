using Shop.Contracts.Commands;

namespace Shop.Chaos.Clients;

/// <summary>A command that a client means to have done, however many attempts that takes.</summary>
/// <param name="Key">The same for whoever sends it.</param>
/// <param name="Command">As it is sent.</param>
/// <param name="Subject">Its target as events name it.</param>
/// <param name="Mark">What only this command writes; see <see cref="Marks"/>.</param>
internal sealed record Intent(string Key, Command Command, string Subject, string Mark);
