output "instance_id" {
  description = "The instance."
  value       = aws_instance.this.id
}

output "public_ip" {
  description = "Where the names of the apps have to point. It changes when the instance is stopped and started."
  value       = aws_instance.this.public_ip
}

output "role" {
  description = "The name of the instance's role, to attach more policies to."
  value       = aws_iam_role.this.name
}

output "security_group_id" {
  description = "The instance's security group, to add more rules to."
  value       = aws_security_group.this.id
}
