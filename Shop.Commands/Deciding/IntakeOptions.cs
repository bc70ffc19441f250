namespace Shop.Commands.Deciding;

/// <summary>Section <c>Shop:Intake</c>.</summary>
internal sealed class IntakeOptions
{
    public const string Section = "Shop:Intake";

    /// <summary>Commands waiting per shard, at most: the default is less than a second of work. Beyond it the answer is 503.</summary>
    public int Capacity { get; set; } = 4_096;
}
