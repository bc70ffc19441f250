using Shop.Contracts.Events;

namespace Shop.Commands.Deciding;

/// <summary>What a pure decision says: an event that carries the aggregate's new state, or why not.</summary>
internal abstract record Decision
{
    public sealed record OrderChanged(string EventType, OrderState State) : Decision;

    public sealed record CustomerChanged(string EventType, CustomerState State) : Decision;

    public sealed record ProductChanged(string EventType, ProductState State) : Decision;

    public sealed record No(Refusal Refusal) : Decision;

    public static Decision Refuse(Refusal refusal) => new No(refusal);
}
